"""What a CSV file would make of the providers, line by line, and doing exactly that."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.db import db
from app.errors import DomainError, InvalidInput, NotFound, StaleChange, wrong
from app.kit import ids
from app.kit.spreadsheet import plain
from app.models import Availability, Category, ProviderProfile, ProviderSkill, Role, Service, User
from app.workflows import accounts, audit, providers
from app.workflows.audit import Actor
from app.workflows.provider_sheet import BY_FIELD, NEW, REQUIRED, parts
from app.workflows.sheets import Edit, Line, Planned, Sheet, Verdict


def plan(sheet: Sheet) -> list[Planned]:
    """In the order of the file. Reads the providers; changes nothing."""
    book = _Book(sheet)
    return [book.plan(line) for line in sheet.lines]


def lock(steps: Sequence[Planned]) -> None:
    """In the order of their keys: two who save at once do not wait for each other for ever."""
    keys = [UUID(step.key) for step in steps if step.verdict is Verdict.CHANGED]
    if keys:
        query = select(ProviderProfile.id).where(ProviderProfile.id.in_(keys)).order_by(ProviderProfile.id)
        db.session.execute(query.with_for_update(key_share=True)).all()


def apply(step: Planned, actor: Actor) -> None:
    """Save one line. Raises StaleChange when the row is not as it was, NotFound when it is gone, InvalidInput."""
    if step.verdict is Verdict.NEW:
        profile, before = _start(step), {}
    else:
        profile, before = _find(step), dict(step.seen)
        now = {field: value for field, value in providers.picture(profile).items() if field in step.values}
        if now == dict(step.values):
            return
        if now != before:
            raise StaleChange("Somebody changed it since the check, so this line was not saved.")
    _fill(profile, step.values, actor=actor)
    db.session.flush()
    verb = "created" if step.verdict is Verdict.NEW else "changed"
    audit.record(f"provider.{verb}", profile, actor=actor, before=before, after=step.values)


def _start(step: Planned) -> ProviderProfile:
    user = accounts.make_account(step.values["email"], step.values["name"], role=Role.PROVIDER)
    db.session.add(user)
    db.session.flush()
    profile = ProviderProfile(id=UUID(step.key), user_id=user.id, user=user, skills=[])
    db.session.add(profile)
    return profile


def _find(step: Planned) -> ProviderProfile:
    query = select(ProviderProfile).where(ProviderProfile.id == UUID(step.key))
    profile = db.session.scalar(query.execution_options(populate_existing=True))
    if profile is None:
        raise NotFound("It was deleted since the check.")
    return profile


def _fill(profile: ProviderProfile, values: Mapping[str, Any], *, actor: Actor) -> None:
    accounts.rename(profile.user, values.get("email", profile.user.email), values.get("name", profile.user.name))
    if values.get("is_enabled", profile.user.is_enabled) != profile.user.is_enabled:
        accounts.set_enabled(profile.user, values["is_enabled"], actor=actor)
    profile.title = values.get("title", profile.title)
    profile.capacity = values.get("capacity", profile.capacity)
    profile.availability = Availability(values.get("availability", profile.availability))
    picture: dict[str, Any] = {**providers.picture(profile), **values}
    categories = {Category(value) for value in picture["categories"]}
    providers.set_skills(profile, categories, {UUID(value) for value in picture["services"]})


class _Book:
    """The providers and services as they are."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        query = select(ProviderProfile).options(selectinload(ProviderProfile.skills).joinedload(ProviderSkill.service))
        profiles = db.session.scalars(query).all()
        self._by_id = {profile.id: profile for profile in profiles}
        self._by_email = {profile.user.email: profile for profile in profiles}
        self._services: dict[str, list[str]] = defaultdict(list)
        for key, name in db.session.execute(select(Service.id, Service.name)):
            self._services[plain(name).casefold()].append(str(key))
        self._taken = self._find_taken()
        self._spoken_of: dict[str, int] = {}

    def plan(self, line: Line) -> Planned:
        name = line.cells.get("name") or line.cells.get("email") or "(no name)"
        try:
            return self._plan(line, name)
        except InvalidInput as error:
            field, reason = next(iter(error.details.items()), ("", error.message))
            column = self._sheet.names.get(field, BY_FIELD[field].name if field in BY_FIELD else "")
            return Planned(line.number, name, Verdict.REFUSED, column=column, reason=reason)
        except DomainError as error:
            return Planned(line.number, name, Verdict.REFUSED, reason=error.message)

    def _plan(self, line: Line, name: str) -> Planned:
        if line.is_too_long:
            raise wrong("", "It has more cells than there are headings.")
        profile = self._find(line)
        about = str(profile.id) if profile else line.cells["email"].lower()
        if about in self._spoken_of:
            raise wrong("", f"Line {self._spoken_of[about]} is about the same.")
        self._spoken_of[about] = line.number
        values = {field: self._read(line, field) for field in self._fields(line, profile)}
        self._ensure_free(values.get("email"), profile)
        if profile is None:
            edits = [Edit(BY_FIELD[field].name, "", line.cells[field]) for field in values if field != "name"]
            made = {**NEW, **values}
            return Planned(line.number, name, Verdict.NEW, "provider", str(ids.new_id()), made, edits=edits)
        return self._compare(line, name, profile=profile, values=values)

    def _find(self, line: Line) -> ProviderProfile | None:
        if not line.cells.get("id"):
            return self._by_email.get(line.cells.get("email", "").lower())
        key = ids.parse_id(line.cells["id"])
        if key not in self._by_id:
            raise wrong("id", "No provider has this id. Leave the cell empty to make a new one.")
        return self._by_id[key]

    def _fields(self, line: Line, profile: ProviderProfile | None) -> list[str]:
        """Those that the line says something about: of a new one, what stands there; else what reads otherwise."""
        fields = [field for field in ("name", "email", *NEW) if self._sheet.has(field)]
        if profile is None:
            missing = [field for field in REQUIRED if not line.cells.get(field)]
            if missing:
                raise wrong(missing[0], "A new provider needs this.")
            return [field for field in fields if line.cells[field]]
        return [field for field in fields if line.cells[field] != plain(BY_FIELD[field].write(profile))]

    def _compare(self, line: Line, name: str, *, profile: ProviderProfile, values: Mapping[str, Any]) -> Planned:
        now = providers.picture(profile)
        changed = {field: value for field, value in values.items() if value != now[field]}
        edits = [Edit(BY_FIELD[field].name, BY_FIELD[field].write(profile), line.cells[field]) for field in changed]
        verdict = Verdict.CHANGED if changed else Verdict.SAME
        seen = {field: now[field] for field in changed}
        return Planned(line.number, name, verdict, "provider", str(profile.id), changed, seen, edits)

    def _read(self, line: Line, field: str) -> Any:
        if field == "services":
            return self._read_services(line.cells[field])
        read: Callable[[str], Any] | None = BY_FIELD[field].read
        assert read is not None
        return read(line.cells[field])

    def _read_services(self, text: str) -> list[str]:
        found: set[str] = set()
        for part in text.split("\n"):
            # A service's own name may have a semicolon in it.
            for name in [part] if part.strip().casefold() in self._services else parts(part):
                found.add(self._service(name.strip()))
        return sorted(found)

    def _service(self, name: str) -> str:
        known = self._services.get(name.casefold(), [])
        if len(known) != 1:
            reason = "several services have this name" if known else "we know no such service"
            raise wrong("services", f"“{name}”: {reason}.")
        return known[0]

    def _find_taken(self) -> dict[str, str]:
        """Addresses of the file that are somebody's who is no provider, with what they are."""
        asked = [line.cells.get("email", "").lower() for line in self._sheet.lines]
        query = select(User.email, User.role).where(User.email.in_(asked), User.role != Role.PROVIDER)
        return {email: role.label for email, role in db.session.execute(query)}

    def _ensure_free(self, email: str | None, profile: ProviderProfile | None) -> None:
        if email is None:
            return
        if email in self._taken:
            raise wrong("email", f"This address has an account already, as {self._taken[email]}.")
        other = self._by_email.get(email)
        if other is not None and other is not profile:
            raise wrong("email", f"This address is {other.user.name}'s.")
