"""What guards every answer: security headers, cookie flags, limits on how often a stranger may ask."""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request
from limits.storage import RedisStorage
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.config import Settings
from app.extensions import csrf, limiter

MAXIMUM_BODY = 1024 * 1024
_FOR_MACHINES = ("/healthz", "/readyz", "/metrics")
_YEAR = 365 * 24 * 3600

_POLICY: Mapping[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "manifest-src": ("'self'",),
    "form-action": ("'self'",),
    "base-uri": ("'none'",),
    "frame-ancestors": ("'none'",),
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A signed link must not leave with a click on a foreign address.
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), usb=()",
}


def init_app(app: Flask) -> None:
    settings = cast(Settings, app.extensions["settings"])
    app.config.update(_cookies(settings))
    for name, value in _rates(settings).items():
        app.config.setdefault(name, value)
    # A customer may take an hour over the form; the token lives as long as the session it is bound to.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY
    csrf.init_app(app)
    limiter.init_app(app)
    # Whatever name a visitor reached us by, gateways send them back to this one.
    app.extensions["own_origin"] = urlsplit(settings.base_url)._replace(path="", query="", fragment="").geturl()
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    if settings.trusted_hosts:
        app.before_request(partial(_refuse_strange_names, settings.trusted_hosts))
    app.after_request(_guard)
    app.after_request(_say_when)


def csp_nonce() -> str:
    """The one nonce of this answer, for the few scripts and styles that stand in a page."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return cast(str, g.csp_nonce)


def allow(directive: str, source: str) -> None:
    """Let this one answer use a source that the policy forbids, such as a gateway's script."""
    extra: dict[str, list[str]] = g.setdefault("csp_sources", {})
    extra.setdefault(directive, []).append(source)


def set_cookie(response: Response, name: str, value: str, *, life: timedelta) -> None:
    """One of our own cookies, with the flags that all of them have; `value` is signed by whoever reads it."""
    response.set_cookie(name, value, max_age=life, secure=_is_on_https(), httponly=True, samesite="Lax")


def _is_on_https() -> bool:
    """Whether visitors reach us by https, as BASE_URL says: behind a proxy that ends TLS the request looks plain."""
    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def _guard(response: Response) -> Response:
    given = {name.lower() for name in response.headers.keys()}  # noqa: SIM118
    for name, value in _wanted(response):
        # What is there already costs a walk through all headers, for each of these.
        if name.lower() not in given:
            response.headers.add(name, value)
    return response


def _wanted(response: Response) -> Iterator[tuple[str, str]]:
    """Headers of an answer that says nothing else about them."""
    yield from _HEADERS.items()
    if response.mimetype == "text/html":
        yield "Content-Security-Policy", _policy()
    if request.is_secure or _is_on_https():
        yield "Strict-Transport-Security", f"max-age={_YEAR}; includeSubDomains"
    yield "Cache-Control", _keeping(response)


def _say_when(response: Response) -> Response:
    """When to try again after too many tries. Those within their limit need not ask Redis a second time."""
    broken = limiter.current_limit if response.status_code == 429 else None
    if broken is not None and broken.breached:
        # Without an answer the general advice stands.
        with suppress(RedisError):
            response.headers["Retry-After"] = str(max(1, int(broken.reset_at - time.time())))
    return response


def _keeping(response: Response) -> str:
    """What caches may do with an answer that says nothing about it: never keep what somebody had to sign in for."""
    if "visit" in g or "Authorization" in request.headers:
        return "no-store"
    has_session = current_app.config["SESSION_COOKIE_NAME"] in request.cookies
    is_theirs = has_session or "csrf_token" in g or "Set-Cookie" in response.headers
    return "private, no-cache" if is_theirs else "no-cache"


def _refuse_strange_names(trusted: tuple[str, ...]) -> None:
    """Health is asked for by machines that know our number alone."""
    name = urlsplit(f"//{request.host}").hostname
    if name not in trusted and request.path not in _FOR_MACHINES:
        abort(400)


def _policy() -> str:
    sources = {directive: list(allowed) for directive, allowed in _POLICY.items()}
    sources["form-action"].append(current_app.extensions["own_origin"])
    for directive in ("script-src", "style-src"):
        sources[directive].append(f"'nonce-{csp_nonce()}'")
    for directive, extra in g.get("csp_sources", {}).items():
        sources.setdefault(directive, []).extend(extra)
    return "; ".join(f"{directive} {' '.join(allowed)}" for directive, allowed in sources.items())


def _cookies(settings: Settings) -> dict[str, Any]:
    is_secure = settings.base_url.startswith("https://")
    return {
        # The prefix makes browsers refuse the cookie from a sister domain or over plain HTTP.
        "SESSION_COOKIE_NAME": "__Host-session" if is_secure else "session",
        "SESSION_COOKIE_SECURE": is_secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": is_secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
    }


def _rates(settings: Settings) -> dict[str, Any]:
    """Counted in Redis for all processes together, and by each in memory while Redis is down."""
    return {
        "RATELIMIT_STORAGE_URI": _storage_address(settings.redis_url),
        # A counter is worth no waiting: fail at once, then count in memory.
        "RATELIMIT_STORAGE_OPTIONS": {
            "socket_connect_timeout": 0.5,
            "socket_timeout": 0.5,
            "retry": Retry(NoBackoff(), 0),
        },
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_STRATEGY": "fixed-window",
        "RATELIMIT_KEY_PREFIX": "counterfoil",
    }


class _Counters(RedisStorage):
    """Takes over the addresses of its parent, which would load a second library too, for servers that we do not use."""

    STORAGE_SCHEME = ["redis", "rediss", "redis+unix"]
    DEPENDENCIES = {"redis": None}


def _storage_address(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
