"""Where programs talk to us: gateways' webhooks, customers' own software, load balancers and Prometheus."""

from flask import Flask

from app.api import health, webhooks
from app.extensions import csrf


def init_app(app: Flask) -> None:
    # Gateways sign their messages; no session is involved.
    csrf.exempt(webhooks.bp)
    app.register_blueprint(webhooks.bp)
    app.register_blueprint(health.bp)
