"""The console: Flask-Admin as the frame, with pages, lists and looks of our own."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Theme

from app.admin.home import Home


def init_app(app: Flask) -> None:
    # No folder of that name exists in the library: none of its stock pages, scripts and styles is ever served.
    theme = Theme(folder="none", base_template="admin/frame.html")
    console = Admin(name="Counterfoil", index_view=Home(name="Today", category="Work"), theme=theme)
    console.init_app(app)
