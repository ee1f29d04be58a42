"""Feature flags: what is switched on for whom, and switching it."""

from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.admin.pages import Guarded, done
from app.admin.permissions import Permission
from app.db import db, transaction
from app.errors import DomainError, InvalidInput
from app.models import AuditEntry, FeatureFlag, FlagState
from app.workflows import flags
from app.workflows.flags import Flag, Setting

_MOST_CHANGES = 10
_STATES = {
    FlagState.ON: "On for everybody",
    FlagState.PERCENT: "On for a share of visitors: the same ones each time, and more of them when the share grows",
    FlagState.USERS: "On for named accounts only, while they are signed in: to try it before customers see it",
    FlagState.OFF: "Off for everybody",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A flag and for whom it is on."""

    flag: Flag
    setting: Setting

    @property
    def words(self) -> str:
        if self.setting.state is FlagState.PERCENT:
            return f"{self.setting.percent} % of visitors"
        if self.setting.state is FlagState.USERS:
            count = len(self.setting.emails)
            return f"{count} named account{'' if count == 1 else 's'}"
        return "On" if self.setting.state is FlagState.ON else "Off"

    @property
    def pill(self) -> str:
        return {FlagState.ON: "active", FlagState.OFF: "off"}.get(self.setting.state, "in_progress")


class FlagView(Guarded):
    @property
    def may_change(self) -> bool:
        return self.may(Permission.MANAGE_FLAGS)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        known = flags.settings()
        return self.render("admin/flags/list.html", rows=[Shown(flag, known[flag.name]) for flag in flags.FLAGS])

    @expose("/<flag>")
    def page(self, flag: str) -> ResponseReturnValue:
        return self._show(flag)

    @expose("/<flag>", methods=("POST",))
    def save(self, flag: str) -> ResponseReturnValue:
        self.ensure(Permission.MANAGE_FLAGS)
        try:
            wanted = _wanted()
            with transaction():
                flags.change(flag, wanted, seen=request.form.get("seen", ""), actor=self.actor)
        except DomainError as error:
            return self._show(flag, refusal=error), error.http_status
        known = flags.get_flag(flag)
        return done(f"{known.label}: {Shown(known, wanted).words.lower()}.", self.get_url(".index"))

    def _show(self, name: str, *, refusal: DomainError | None = None) -> str:
        shown = Shown(flags.get_flag(name), flags.setting(name))
        return self.render(
            "admin/flags/page.html",
            shown=shown,
            states=_STATES,
            seen=flags.fingerprint(shown.setting),
            changes=_changes(name),
            refusal=refusal,
            draft=request.form if refusal else {},
        )


def _wanted() -> Setting:
    try:
        state = FlagState(request.form.get("state", ""))
    except ValueError as error:
        raise InvalidInput("Choose for whom it is on.", details={"state": "Choose for whom it is on."}) from error
    emails = request.form.get("emails", "").replace("\0", "").replace(",", "\n").splitlines()
    return Setting(
        state,
        percent=_percent() if state is FlagState.PERCENT else 0,
        emails=tuple(filter(None, map(str.strip, emails))) if state is FlagState.USERS else (),
    )


def _percent() -> int:
    text = request.form.get("percent", "").strip().removesuffix("%").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _changes(name: str) -> list[AuditEntry]:
    """Who switched it lately."""
    query = (
        select(AuditEntry)
        .join(FeatureFlag, FeatureFlag.id == AuditEntry.subject_id)
        .where(AuditEntry.subject_type == FeatureFlag.__tablename__, FeatureFlag.name == name)
        .options(joinedload(AuditEntry.actor))
        .order_by(AuditEntry.created_at.desc())
        .limit(_MOST_CHANGES)
    )
    return list(db.session.scalars(query))
