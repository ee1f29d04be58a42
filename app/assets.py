"""Static files: served fast and small, kept by browsers for a year, asked for anew as soon as they change."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from flask import Flask
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags
from whitenoise import WhiteNoise
from whitenoise.responders import Response

ROOT = Path(__file__).parent / "static"
_YEAR = 365 * 24 * 3600
_TEXT = (".css", ".js", ".svg")


def init_app(app: Flask) -> None:
    app.jinja_env.globals["asset"] = address
    # Before Flask's own static view: no session, no rate limit, no dispatch for a stylesheet.
    app.wsgi_app = _Files(  # type: ignore[method-assign]
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


def takes_gzip(accepted: Accept) -> bool:
    return accepted.quality("gzip") > 0


def zipped(text: bytes) -> bytes:
    """Worth the time where the result is kept. Nothing of its own time or place: the same text is the same file."""
    return gzip.compress(text, 9, mtime=0)


class _Files(WhiteNoise):
    """Hands out texts compressed to whoever takes that."""

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> Any:
        plain = super().get_static_file(path, url, stat_cache)
        return _Text(plain, Path(path)) if path.endswith(_TEXT) else plain


class _Text:
    """A file as it is, and compressed when somebody first asks for that; then it is kept."""

    def __init__(self, plain: Any, path: Path) -> None:
        self._plain = plain
        self._path = path

    def get_response(self, method: str, environ: Mapping[str, Any]) -> Any:
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"))
        # A part of a file is a part of the plain one.
        if method not in {"GET", "HEAD"} or "HTTP_RANGE" in environ or not takes_gzip(accepted):
            return self._plain.get_response(method, environ)
        body, etag, headers = self._zipped
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_weak(etag):
            return Response(HTTPStatus.NOT_MODIFIED, headers, None)
        length = ("Content-Length", str(len(body)))
        return Response(HTTPStatus.OK, [*headers, length], BytesIO(body) if method == "GET" else None)

    @cached_property
    def _zipped(self) -> tuple[bytes, str, list[tuple[str, str]]]:
        """The bytes, their tag, and the headers that go with them."""
        body = zipped(self._path.read_bytes())
        etag = hashlib.blake2s(body, digest_size=12).hexdigest()
        [(_, _, plain)] = self._plain.alternatives
        own = {"Content-Length", "ETag", "Last-Modified"}
        headers = [(name, value) for name, value in plain if name not in own]
        return body, etag, [*headers, ("Content-Encoding", "gzip"), ("ETag", f'"{etag}"')]


@lru_cache(maxsize=128)
def _fingerprint(name: str) -> str:
    return hashlib.blake2s((ROOT / name).read_bytes(), digest_size=5).hexdigest()


def _add_headers(headers: Headers, path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    if path.endswith(_TEXT):
        headers["Vary"] = "Accept-Encoding"
