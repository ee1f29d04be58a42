"""Flask without what it does anew for each request although it is always the same."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

_SIGNER = "session_signer"


class _Sessions(SecureCookieSessionInterface):
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """One for all visits: with the keys that the application has for its first one."""
        if _SIGNER not in app.extensions:
            app.extensions[_SIGNER] = super().get_signing_serializer(app)
        signer: URLSafeTimedSerializer | None = app.extensions[_SIGNER]
        return signer


class Web(Flask):
    session_interface = _Sessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing of ours is a coroutine; each function that has to do with a page would be looked at for that."""
        return func
