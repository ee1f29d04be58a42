"""These tests come from one address, and from there far too often for the limits on strangers."""

from collections.abc import Iterator

import pytest
from jinja2 import StrictUndefined

from app.extensions import limiter


@pytest.fixture(autouse=True)
def _unlimited() -> Iterator[None]:
    limiter.enabled = False
    yield
    limiter.enabled = True


@pytest.fixture(autouse=True)
def _no_holes(request: pytest.FixtureRequest) -> Iterator[None]:
    """A page that names what the view does not give fails here."""
    if "app" not in request.fixturenames:
        yield
        return
    templates = request.getfixturevalue("app").jinja_env
    usual, templates.undefined = templates.undefined, StrictUndefined
    yield
    templates.undefined = usual
