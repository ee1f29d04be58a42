"""What an affiliate sent us and earned by it."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

bp = Blueprint("portal_affiliate", __name__, url_prefix="/affiliate")


@bp.get("/")
def index() -> ResponseReturnValue:
    return render_template("portal/affiliate.html")
