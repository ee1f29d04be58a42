"""The blueprint that the modules of this package hang their pages on."""

from flask import Blueprint

bp = Blueprint("checkout", __name__)
