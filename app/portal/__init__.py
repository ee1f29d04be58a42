"""The pages of partners: providers see their own requests, affiliates what they earned."""

from flask import Flask

from app.portal import affiliate, availability, provider


def init_app(app: Flask) -> None:
    app.register_blueprint(provider.bp)
    app.register_blueprint(availability.bp)
    app.register_blueprint(affiliate.bp)
