"""Signing in and out, for staff and for partners."""

from flask import Flask

from app.accounts import sessions, views
from app.extensions import login_manager


def init_app(app: Flask) -> None:
    login_manager.login_view = "accounts.login"
    login_manager.session_protection = "strong"
    login_manager.user_loader(sessions.load_user)
    login_manager.unauthorized_handler(views.ask_to_sign_in)
    app.register_blueprint(views.bp)
