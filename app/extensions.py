"""Unbound instances that `create_app` binds, and typed access to what it keeps on the application."""

from typing import cast

from flask import Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from app.config import Settings
from app.links import Links


class _Limits(Limiter):
    """Each limit stands at its view and is checked there: before a request there is none to look for."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)


class _Tokens(CSRFProtect):
    def _get_csrf_token(self) -> str | None:
        """Scripts send it in a header: what they send with it need not be looked through as if it were a form."""
        token: str | None = request.headers.get("X-CSRFToken") or super()._get_csrf_token()
        return token


login_manager = LoginManager()
csrf = _Tokens()
limiter = _Limits(get_remote_address)


def settings() -> Settings:
    return cast(Settings, current_app.extensions["settings"])


def links() -> Links:
    return cast(Links, current_app.extensions["links"])


def refused_only(response: Response) -> bool:
    """For limits that count wrong tries alone."""
    return response.status_code >= 400
