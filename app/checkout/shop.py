"""The shop window: a card for every service on sale."""

from functools import lru_cache

from flask import Response, make_response, render_template, request

from app import assets
from app.checkout.blueprint import bp
from app.checkout.kept_pages import kept_pages
from app.workflows import catalog


@bp.get("/")
def home() -> Response:
    """The one page that is sent compressed: it holds no secret and repeats nothing of what it was asked with, so its
    length tells a listener nothing (BREACH)."""
    services = catalog.active_services()
    page = kept_pages().page(
        ("home", *services), lambda _: render_template("checkout/home.html", services=services), values={}
    )
    is_short = assets.takes_gzip(request.accept_encodings)
    answer = make_response(_zipped(page) if is_short else page)
    if is_short:
        answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    return answer


@lru_cache(maxsize=2)
def _zipped(page: str) -> bytes:
    return assets.zipped(page.encode())
