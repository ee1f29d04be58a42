"""API tokens: whom programs act for, what they may do, when they last did."""

from dataclasses import dataclass
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.pages import Guarded, done
from app.admin.permissions import Permission
from app.db import db, transaction
from app.errors import DomainError, InvalidInput
from app.kit import ids
from app.models import ApiToken, User
from app.reauthentication import ensure_confirmed
from app.workflows import api_tokens
from app.workflows.api_tokens import NewToken, Scope

_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A token in the list."""

    row: ApiToken

    @property
    def scopes(self) -> list[Scope]:
        return sorted(api_tokens.scopes_of(self.row))

    @property
    def state(self) -> tuple[str, str]:
        """A kind of pill and its words."""
        if self.row.revoked_at is not None:
            return "off", "Revoked"
        return ("active", "In use") if self.row.user.is_enabled else ("off", "Account closed")


class TokenView(Guarded):
    permission = Permission.MANAGE_USERS

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self._show()

    @expose("/", methods=("POST",))
    def make(self) -> ResponseReturnValue:
        """Its page is the only one that ever has the token; sent again it is refused, for the name is taken."""
        try:
            # As good as a session of its owner's, and for longer.
            ensure_confirmed()
            scopes = api_tokens.parse_scopes(request.form.getlist("scopes"))
            owner = _owner()
            with transaction():
                made = api_tokens.create(owner, _sent("name"), scopes, actor=self.actor)
        except InvalidInput as error:
            return self._show(refusal=error), error.http_status
        return self._show(made=made)

    @expose("/<uuid:key>/revoke", methods=("POST",))
    def revoke(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            row = api_tokens.revoke(key, actor=self.actor)
        return done(f"Revoked: “{row.name}” is refused from now on.", self.get_url(".index"))

    def _show(self, *, made: NewToken | None = None, refusal: DomainError | None = None) -> str:
        return self.render(
            "admin/tokens.html",
            rows=[Shown(row) for row in api_tokens.all_tokens(_MOST_SHOWN)],
            owners=api_tokens.possible_owners(),
            scopes=list(Scope),
            made=made,
            refusal=refusal,
            draft=request.form if refusal else None,
        )


def _owner() -> User:
    key = ids.parse_id(_sent("owner"))
    owner = db.session.get(User, key) if key else None
    if owner is None:
        raise InvalidInput("Choose whom it acts for.", details={"owner": "Choose whom it acts for."})
    return owner


def _sent(name: str) -> str:
    return request.form.get(name, "").replace("\0", "").strip()
