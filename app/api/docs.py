"""The API document, for programs as JSON and for people as a page."""

import json
from typing import Any, cast

from flask import Blueprint, Response, current_app, render_template

from app.api import error_codes, reference
from app.extensions import settings
from app.workflows.api_tokens import Scope

bp = Blueprint("api_docs", __name__, url_prefix="/api")

_CACHED = "api_document"


@bp.get("/openapi.json")
def document() -> Response:
    return Response(json.dumps(_document(), ensure_ascii=False, indent=1), mimetype="application/json")


@bp.get("/docs")
def page() -> str:
    described = _document()
    used = described["components"]["schemas"]["Error"]["properties"]["code"]["enum"]
    return render_template(
        "api/docs.html",
        document=described,
        sections=reference.sections(described, settings().base_url.rstrip("/")),
        codes=[error_codes.all_codes()[code] for code in used],
        scopes=list(Scope),
    )


def _document() -> dict[str, Any]:
    """Made once: it is the same until the code is another."""
    if _CACHED not in current_app.extensions:
        # Few processes are ever asked for it, so the others do without the library.
        from app.api import openapi  # noqa: PLC0415

        current_app.extensions[_CACHED] = openapi.describe(
            cast(Any, current_app)._get_current_object(), f"{settings().business_name} API"
        )
    return cast(dict[str, Any], current_app.extensions[_CACHED])
