"""What our Flask leaves out, and why nobody misses it."""

import ast
from pathlib import Path

from flask.sessions import SecureCookieSessionInterface

APP = Path(__file__).resolve().parent.parent / "app"


def test_nothing_of_ours_is_a_coroutine():
    """It would be called as if it were none."""
    for file in APP.rglob("*.py"):
        found = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.AsyncFunctionDef)]
        assert not found, file


def test_sessions_are_signed_as_flask_signs_them(app):
    ours, theirs = app.session_interface, SecureCookieSessionInterface()
    visit = {"csrf_token": "some", "_user_id": "body"}
    assert theirs.get_signing_serializer(app).loads(ours.get_signing_serializer(app).dumps(visit)) == visit
    assert ours.get_signing_serializer(app).loads(theirs.get_signing_serializer(app).dumps(visit)) == visit
