"""The test client: each request stands alone, as it would in another process."""

import contextvars
import re
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.db import db

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Client(FlaskClient):
    """A request shares no session, `g` or user with the test's own application context.

    What the test has read before is read anew afterwards. Not usable as a context manager (`with client:`).
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        _end_reading()
        answer = contextvars.Context().run(super().open, *args, **kwargs)
        # Heard to its end, as by a browser: what waits for that happens now. A stream lasts as long as somebody reads.
        if answer.content_length is not None:
            answer.get_data()
            answer.close()
        return answer

    def submit(self, path: str, fields: dict[str, Any] | None = None) -> TestResponse:
        """Post as a browser does: open the page with the form, send its CSRF token along."""
        page = self.get(path)
        token = _TOKEN.search(page.text)
        assert token is not None, f"no form with a token on {path} ({page.status})"
        return self.post(path, data={"csrf_token": token[1], **(fields or {})})


def _end_reading() -> None:
    if not has_app_context():
        return
    session = db.session()
    changed = [*session.new, *session.dirty, *session.deleted]
    assert not changed, "change rows in a transaction(): a request cannot see these"
    session.rollback()
