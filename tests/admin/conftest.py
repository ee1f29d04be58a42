"""A signed-in operator, and what requests are made of."""

import pytest

from app.models import Category, Role
from tests.factories import make_gateway, make_provider, make_service, make_user
from tests.sign_in import sign_in


@pytest.fixture
def staff(client, session):
    return sign_in(client, Role.OPERATOR)


@pytest.fixture
def service(session):
    return make_service(name="GST registration")


@pytest.fixture
def kept(client, session, staff):
    """What stays while requests come and go between examples."""
    affiliate = make_user(Role.AFFILIATE)
    make_gateway()
    make_gateway("stripe")
    return {
        "service": make_service(),
        "services": [make_service(category=Category.CA), make_service(category=Category.LEGAL)],
        "provider": make_provider(name="Priya Raman"),
        "other": make_provider(name="Arvind Rao"),
        "affiliate": affiliate,
    }
