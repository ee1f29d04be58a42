"""Where programs talk to us: gateways' webhooks, customers' own software, load balancers and Prometheus."""

from flask import Flask

from app.api import catalog, docs, health, purchase, staff_requests, tracking, webhooks
from app.extensions import csrf


def init_app(app: Flask) -> None:
    # Gateways sign their messages, and a purchase brings all it needs: no session is involved. What is of staff asks
    # for the token of a session itself, and for none with a bearer token.
    for blueprint in (webhooks.bp, purchase.bp, staff_requests.bp):
        csrf.exempt(blueprint)
    for blueprint in (webhooks.bp, health.bp, catalog.bp, purchase.bp, tracking.bp, staff_requests.bp, docs.bp):
        app.register_blueprint(blueprint)
