"""Static files: served fast, kept by browsers for a year, asked for anew as soon as they change."""

import hashlib
from functools import lru_cache
from pathlib import Path
from wsgiref.headers import Headers

from flask import Flask
from whitenoise import WhiteNoise

ROOT = Path(__file__).parent / "static"
_YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    app.jinja_env.globals["asset"] = address
    # Before Flask's own static view: no session, no rate limit, no dispatch for a stylesheet.
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=ROOT,
        prefix="static/",
        max_age=_YEAR,
        add_headers_function=_add_headers,
        autorefresh=app.debug,
    )


def address(name: str) -> str:
    """Where a static file is; the address changes with its content."""
    return f"/static/{name}?v={_fingerprint(name)}"


@lru_cache(maxsize=128)
def _fingerprint(name: str) -> str:
    return hashlib.blake2s((ROOT / name).read_bytes(), digest_size=5).hexdigest()


def _add_headers(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
