"""Message templates: each kind of letter, what it is for, who gets it and when, and how it looks."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin import letter_pages
from app.admin.letter_pages import Proof
from app.admin.pages import Guarded
from app.admin.story import letter_name
from app.errors import NotFound
from app.stationery import stationery
from app.workflows import letter_samples, letters


class LetterTemplateView(Guarded):
    def __init__(self, **more: Any) -> None:
        super().__init__(endpoint="letter_templates", **more)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        kinds = sorted(letters.KINDS.values(), key=lambda kind: kind.account.receiver)
        return self.render("admin/notifications/templates.html", kinds=kinds, letter_name=letter_name)

    @expose("/<kind>")
    def page(self, kind: str) -> ResponseReturnValue:
        letter_pages.allow_frame()
        return self.render(
            "admin/notifications/template.html",
            kind=_kind(kind),
            title=letter_name(kind),
            proof=_proof(kind),
        )

    @expose("/<kind>/letter")
    def letter(self, kind: str) -> ResponseReturnValue:
        """The HTML part with made-up values, for the frame on the page."""
        _kind(kind)
        found = _proof(kind).letter
        if found is None:
            raise NotFound("This template cannot be written.")
        return letter_pages.framed(found.html)


def _kind(name: str) -> letters.Kind:
    if name not in letters.KINDS:
        raise NotFound("There is no such template.")
    return letters.KINDS[name]


def _proof(name: str) -> Proof:
    return letter_pages.proof(letter_samples.sample(name, stationery()))
