"""Signing in and out, and everybody's own account: for staff and for partners."""

from flask import Flask

from app.accounts import account_page, passwords, second_factor_pages, sessions, views
from app.accounts.blueprint import bp
from app.extensions import login_manager

__all__ = ["account_page", "init_app", "passwords", "second_factor_pages"]


def init_app(app: Flask) -> None:
    login_manager.login_view = "accounts.login"
    login_manager.session_protection = "strong"
    login_manager.user_loader(sessions.load_user)
    login_manager.unauthorized_handler(views.ask_to_sign_in)
    app.before_request(sessions.touch)
    app.register_blueprint(bp)
