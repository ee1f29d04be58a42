"""A provider's own requests."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

bp = Blueprint("portal_provider", __name__, url_prefix="/provider")


@bp.get("/")
def index() -> ResponseReturnValue:
    return render_template("portal/requests.html")
