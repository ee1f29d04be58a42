"""What needs a person now, as numbers that lead to the lists behind them."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.pages import Guarded


class Home(Guarded):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="admin", url="/admin", **kwargs)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self.render("admin/home.html")
