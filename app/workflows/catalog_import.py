"""What a CSV file would make of the catalogue, line by line, and doing exactly that."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.db import db
from app.errors import DomainError, InvalidInput, NotFound, StaleChange, wrong
from app.kit import ids
from app.kit.spreadsheet import plain
from app.models import Category, Service, ServiceTier
from app.workflows import audit, catalog_order, catalog_rules
from app.workflows.audit import Actor
from app.workflows.catalog_sheet import ATTRIBUTES, BY_FIELD, REQUIRED, Goods
from app.workflows.sheets import Edit, Line, Planned, Sheet, Verdict


def plan(sheet: Sheet) -> list[Planned]:
    """In the order of the file. Reads the catalogue; changes nothing."""
    query = select(Service).options(selectinload(Service.tiers))
    book = _Book(sheet, db.session.scalars(query).all())
    return [book.plan(line) for line in sheet.lines]


def lock(steps: Sequence[Planned]) -> None:
    """In the order of their keys, services first: two who save at once do not wait for each other for ever."""
    for part, model in _MODELS.items():
        keys = [UUID(step.key) for step in steps if step.part == part and step.verdict is Verdict.CHANGED]
        if keys:
            db.session.execute(
                select(model.id).where(model.id.in_(keys)).order_by(model.id).with_for_update(key_share=True)
            ).all()


def apply(step: Planned, actor: Actor) -> None:
    """Save one line. Raises StaleChange when the row is not as it was, NotFound when it is gone."""
    row = _start(step) if step.verdict is Verdict.NEW else _find_unchanged(step)
    if row is None:
        return
    for attribute, value in step.values.items():
        if attribute != "service_id":
            setattr(row, attribute, Category(value) if attribute == "category" else value)
    if isinstance(row, Service) and "currency" in step.values and step.verdict is Verdict.CHANGED:
        catalog_rules.ensure_currency_stays(row, step.seen["currency"])
    db.session.add(row)
    db.session.flush()
    verb = "created" if step.verdict is Verdict.NEW else "changed"
    audit.record(f"{step.part}.{verb}", row, actor=actor, before=step.seen, after=step.values)


_MODELS: Mapping[str, type[Service] | type[ServiceTier]] = {"service": Service, "tier": ServiceTier}


def _start(step: Planned) -> Service | ServiceTier:
    if step.part == "service":
        same = select(Service.id).where(func.lower(Service.name) == step.values["name"].lower())
        if db.session.scalar(same.limit(1)) is not None:
            raise StaleChange("Somebody made a service of this name since the check, so this line was not saved.")
        return Service(id=UUID(step.key), sort_order=catalog_order.next_place(Service))
    service = db.session.get(Service, UUID(step.values["service_id"]), populate_existing=True)
    if service is None:
        raise NotFound("Its service was not saved.")
    if any(_fold(tier.name) == _fold(step.values["name"]) for tier in service.tiers):
        raise StaleChange("Somebody made a tier of this name since the check, so this line was not saved.")
    return ServiceTier(id=UUID(step.key), service=service, sort_order=catalog_order.next_place(ServiceTier))


def _find_unchanged(step: Planned) -> Service | ServiceTier | None:
    """None where somebody has made the very same change already."""
    model: Any = _MODELS[step.part]
    query = select(model).where(model.id == UUID(step.key)).execution_options(populate_existing=True)
    row: Service | ServiceTier | None = db.session.scalar(query)
    if row is None:
        raise NotFound("It was deleted since the check.")
    now = {attribute: getattr(row, attribute) for attribute in step.values}
    if now == dict(step.values):
        return None
    if now != dict(step.seen):
        raise StaleChange("Somebody changed it since the check, so this line was not saved.")
    return row


class _Book:
    """The catalogue as it is, and as the lines read so far would make it."""

    def __init__(self, sheet: Sheet, services: Iterable[Service]) -> None:
        self._sheet = sheet
        self._services = {service.id: service for service in services}
        self._tiers = {tier.id: tier for service in self._services.values() for tier in service.tiers}
        self._by_name: dict[str, list[Service]] = defaultdict(list)
        for service in self._services.values():
            self._by_name[_fold(service.name)].append(service)
        # Services that lines above make, by name; and names that they give.
        self._new: dict[str, tuple[str, str]] = {}
        self._renamed: dict[UUID, str] = {}
        self._spoken_of: dict[str, int] = {}

    def plan(self, line: Line) -> Planned:
        name = " – ".join(filter(None, (line.cells.get("service", ""), line.cells.get("tier", "")))) or "(no name)"
        try:
            return self._plan(line, name)
        except InvalidInput as error:
            field, reason = next(iter(error.details.items()), ("", error.message))
            return self._refused(line, name, field, reason)
        except DomainError as error:
            return self._refused(line, name, "", error.message)

    def _refused(self, line: Line, name: str, field: str, reason: str) -> Planned:
        column = self._sheet.names.get(field, BY_FIELD[field].name if field in BY_FIELD else "")
        return Planned(line.number, name, Verdict.REFUSED, column=column, reason=reason)

    def _plan(self, line: Line, name: str) -> Planned:
        if line.is_too_long:
            raise wrong("", "It has more cells than there are headings.")
        part = "tier" if line.cells.get("tier") else "service"
        found = self._find(line, part)
        self._note(line, found, part)
        return self._plan_new(line, name, part) if found is None else self._plan_change(line, name, found)

    # --- which row a line is about

    def _find(self, line: Line, part: str) -> Goods | None:
        if line.cells.get("id"):
            return self._find_by_id(line, part)
        service = self._find_service(line)
        if part == "service" or service is None:
            return None if service is None else Goods(service)
        named = [tier for tier in service.tiers if _fold(tier.name) == _fold(line.cells["tier"])]
        if len(named) > 1:
            raise wrong("tier", "This service has several tiers of this name: give the id.")
        return Goods(service, named[0]) if named else None

    def _find_by_id(self, line: Line, part: str) -> Goods:
        key = ids.parse_id(line.cells["id"])
        if part == "service" and key in self._services:
            return Goods(self._services[key])
        if part == "tier" and key in self._tiers:
            tier = self._tiers[key]
            self._ensure_belongs(tier, line.cells.get("service", ""))
            return Goods(tier.service, tier)
        raise wrong("id", f"No {part} has this id. Leave the cell empty to make a new one.")

    def _ensure_belongs(self, tier: ServiceTier, name: str) -> None:
        known = {_fold(tier.service.name), _fold(self._renamed.get(tier.service_id, tier.service.name))}
        if name and _fold(name) not in known:
            raise wrong("service", f"This tier belongs to {tier.service.name}, and tiers do not move.")

    def _find_service(self, line: Line) -> Service | None:
        named = self._by_name[_fold(line.cells.get("service", ""))]
        if len(named) > 1:
            raise wrong("service", "Several services have this name: give the id.")
        return named[0] if named else None

    def _note(self, line: Line, found: Goods | None, part: str) -> None:
        cells = line.cells
        new = f"{part}:{_fold(cells.get('service', ''))}:{_fold(cells.get('tier', ''))}"
        about = str(found.sold.id) if found else new
        if about in self._spoken_of:
            raise wrong("", f"Line {self._spoken_of[about]} is about the same.")
        self._spoken_of[about] = line.number

    # --- what it comes to

    def _plan_new(self, line: Line, name: str, part: str) -> Planned:
        missing = [field for field in REQUIRED[part] if not line.cells.get(field)]
        if missing:
            raise wrong(missing[0], f"A new {part} needs this.")
        values: dict[str, Any] = {"is_active": False, "features": []}
        currency = line.cells.get("currency", "").upper()
        if part == "tier":
            values["service_id"], currency = self._service_of_new_tier(line)
        values |= {
            attribute: self._read(line, field, currency)
            for field, attribute in ATTRIBUTES[part].items()
            if line.cells.get(field)
        }
        self._ensure_blank(line, part)
        key = str(ids.new_id())
        if part == "service":
            self._new[_fold(line.cells["service"])] = (key, values["currency"])
        edits = [
            Edit(BY_FIELD[field].name, "", line.cells[field])
            for field in ATTRIBUTES[part]
            if line.cells.get(field) and field not in {"service", "tier"}
        ]
        return Planned(line.number, name, Verdict.NEW, part, key, values, edits=edits)

    def _service_of_new_tier(self, line: Line) -> tuple[str, str]:
        service = self._find_service(line)
        if service is not None:
            return str(service.id), service.currency
        made = self._new.get(_fold(line.cells.get("service", "")))
        if made is None:
            raise wrong("service", "We know no such service, and no line above makes it.")
        return made

    def _plan_change(self, line: Line, name: str, found: Goods) -> Planned:
        part = "tier" if found.tier else "service"
        self._ensure_blank(line, part)
        values, seen, edits = {}, {}, []
        for field, attribute in ATTRIBUTES[part].items():
            old, now = BY_FIELD[field].write(found), getattr(found.sold, attribute)
            # The same digits are another price in another currency.
            is_same = line.cells.get(field) == plain(old) and not (field == "price" and "currency" in values)
            if not self._sheet.has(field) or is_same:
                continue
            wanted = self._read(line, field, line.cells.get("currency", "").upper() or found.service.currency)
            if wanted != now:
                values[attribute], seen[attribute] = wanted, now
                edits.append(Edit(BY_FIELD[field].name, old, _shown(field, wanted, line.cells[field])))
        if "currency" in values:
            catalog_rules.ensure_currency_stays(found.service, values["currency"])
        if part == "service" and "name" in values:
            self._renamed[found.service.id] = values["name"]
            self._by_name[_fold(values["name"])].append(found.service)
        verdict = Verdict.CHANGED if values else Verdict.SAME
        return Planned(line.number, name, verdict, part, str(found.sold.id), values, seen, edits)

    def _read(self, line: Line, field: str, currency: str) -> Any:
        read = BY_FIELD[field].read
        assert read is not None
        if field == "price":
            return read(line.cells[field], currency=currency, has_decimal_commas=self._sheet.has_decimal_commas)
        return read(line.cells[field])

    def _ensure_blank(self, line: Line, part: str) -> None:
        """What belongs to a service stands on its own line."""
        if part == "tier":
            for field in ("category", "currency", "first_contact_hours", "short_description", "description"):
                if line.cells.get(field):
                    raise wrong(field, "This belongs to the service: leave it empty on a tier's line.")


def _shown(field: str, value: Any, cell: str) -> str:
    if field == "is_active":
        return "yes" if value else "no"
    return Category(value).label if field == "category" else cell


def _fold(name: str) -> str:
    return plain(name).casefold()
