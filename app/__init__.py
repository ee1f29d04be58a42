"""Counterfoil: sells professional services on one page, and runs every sale to completion."""

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask_login import current_user
from werkzeug.middleware.proxy_fix import ProxyFix

from app import connections
from app.columns import keyring
from app.config import Settings
from app.db import db
from app.extensions import login_manager
from app.jobs import queue
from app.kit.url_rules import Rule
from app.links import Links
from app.web import Web
from app.workflows.notifications import postmark
from app.workflows.place import here
from app.workflows.terms import terms


def create_app(settings: Settings | None = None, *, has_pages: bool = True) -> Flask:
    """The application with everything bound to it, or without pages for those who only work in the background.

    Raises SettingsError when the environment is not fit to serve.
    """
    settings = settings or Settings.from_env(os.environ)
    # The folder that a relative path of an SQLite database is relative to.
    app = Web(__name__, template_folder="../templates", instance_path=str(Path(__file__).resolve().parent.parent))
    app.url_rule_class = Rule
    app.extensions["settings"] = settings
    app.extensions["links"] = Links(settings.base_url, settings.secret_key)
    app.config.update(_flask_config(settings))
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    _bind(app, settings)
    for part in (*_common_parts(), *(_pages() if has_pages else ())):
        part.init_app(app)
    # Else the first request puts the addresses into order, in each web process by itself.
    app.url_map.update()
    return app


def _common_parts() -> Iterable[Any]:
    """What serves every page and every job alike, in the order in which it is bound."""
    from app import ages, assets, bells, commands, error_pages, formats, protection, sandbox, stationery
    from app.observability import error_tally, logs, metrics, sentry

    ground = (logs, metrics, sentry, formats, ages, stationery, protection, assets, error_pages, error_tally)
    return (*ground, bells, sandbox, commands)


def _pages() -> Iterable[Any]:
    """The entry points that people and programs come in by."""
    from app import accounts, admin, api, checkout, portal, reauthentication

    return (reauthentication, accounts, checkout, api, admin, portal)


def _bind(app: Flask, settings: Settings) -> None:
    keyring.use(settings.encryption_keys)
    queue.configure(settings.redis_url)
    postmark.host = urlsplit(settings.base_url).hostname or postmark.host
    here.zone, here.is_production = settings.time_zone, settings.is_production
    terms.refund_time = timedelta(days=settings.refund_days)
    terms.least_payouts = {amount.currency: amount for amount in settings.payout_minimums}
    db.init_app(app)
    with app.app_context():
        connections.gather(db.engine)
    # The context processor would look up the user for every page; as a global it does so where a page asks.
    login_manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["current_user"] = current_user


def _flask_config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(settings),
        "MAIL_SERVER": settings.mail.server or "",
        "MAIL_PORT": settings.mail.port,
        "MAIL_USERNAME": settings.mail.username,
        "MAIL_PASSWORD": settings.mail.password,
        "MAIL_USE_TLS": settings.mail.use_tls,
        "MAIL_USE_SSL": settings.mail.use_ssl,
        "MAIL_DEFAULT_SENDER": settings.mail.default_sender,
    }


def _engine_options(settings: Settings) -> dict[str, object]:
    """What a statement was about stays out of the messages of its errors, which are logged."""
    if settings.database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": 10}, "hide_parameters": True}
    return {
        "hide_parameters": True,
        "pool_size": settings.database_connections,
        "max_overflow": 0,
        # The one used last knows the statements that come again and again.
        "pool_use_lifo": True,
        "pool_timeout": 10,
        "connect_args": {"connect_timeout": 5, **_to_server(settings)},
    }


def _to_server(settings: Settings) -> dict[str, object]:
    if settings.database_pooler:
        # The next transaction may be on another of the server's connections, which knows none of our statements.
        return {"prepare_threshold": None}
    # Saves a statement for each connection (see `connections`). What pages ask for ends after a few rows; the server,
    # which thinks it may have to read all of them, would set workers to it, and sort what was in order before.
    return {"options": "-c TimeZone=UTC -c max_parallel_workers_per_gather=0"}
