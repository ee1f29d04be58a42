"""The audit log: who did what to which record, before and after, from where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, null, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from app.admin import audit_words, cells
from app.admin.audit_words import Change, Reading
from app.admin.base import ConsoleView
from app.admin.filters import Control, Filter, Options, choice, days
from app.admin.listing import Column
from app.admin.pages import MASK
from app.admin.paging import Order
from app.admin.payments import find_request
from app.admin.permissions import Permission
from app.ages import exact
from app.db import db
from app.kit.ids import parse_id
from app.models import (
    ActorKind,
    AuditChain,
    AuditEntry,
    Dispute,
    FeatureFlag,
    GatewayConfig,
    Payment,
    Refund,
    RequestStatus,
    Service,
    ServiceRequest,
    User,
)
from app.workflows import audit_chain

_MOST_PEOPLE = 300
_STATUSES = {status.value: status.label for status in RequestStatus}
_KINDS = (
    (ActorKind.USER.value, "a person"),
    (ActorKind.TOKEN.value, "a program"),
    (ActorKind.COMMAND.value, "the command line"),
    (ActorKind.SYSTEM.value, "the system"),
)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry with the name of its subject, and how whoever looks may read it."""

    entry: AuditEntry
    subject: str | None
    reading: Reading

    @property
    def id(self) -> UUID:
        return self.entry.id

    def __str__(self) -> str:
        return audit_words.action_words(self.entry.action)

    @property
    def changes(self) -> list[Change]:
        return audit_words.changes_of(self.entry, self.reading)


def _who(row: AuditRow) -> str:
    if row.entry.actor is not None:
        suffix = " (by a program)" if row.entry.actor_kind is ActorKind.TOKEN else ""
        return f"{row.entry.actor.name}{suffix}"
    return "Command line" if row.entry.actor_kind is ActorKind.COMMAND else "System"


def _from(row: AuditRow) -> str:
    return (row.entry.address if row.reading.shows_personal else MASK) if row.entry.address else ""


def _erased(by: UUID | None) -> object:
    if by is None:
        return "As it was written"
    return cells.link("audit.details_view", "Erased on the customer's request, or when its time was over", id=by)


def _side(name: str) -> Any:
    """All of one side in a line, for an export."""
    return lambda row: "; ".join(f"{each.field}: {getattr(each, name)}" for each in row.changes if getattr(each, name))


def _people() -> Options:
    query = select(User.id, User.name).order_by(User.name).limit(_MOST_PEOPLE)
    return tuple((str(key), name) for key, name in db.session.execute(query))


def _in_use(column: InstrumentedAttribute[str]) -> list[str]:
    """Each value once, by jumping from one to the next in its index: the table may be very long."""
    steps = select(func.min(column).label("value")).cte("steps", recursive=True)
    following = select(func.min(column)).where(column > steps.c.value).scalar_subquery()
    steps = steps.union_all(select(following).where(steps.c.value.is_not(None)))
    return list(db.session.scalars(select(steps.c.value).where(steps.c.value.is_not(None))))


def _actions() -> Options:
    return tuple((action, audit_words.action_words(action)) for action in _in_use(AuditEntry.action))


def _subjects() -> Options:
    return tuple((table, audit_words.subject_word(table)) for table in _in_use(AuditEntry.subject_type))


def _person_clause(value: str) -> ColumnElement[bool]:
    return AuditEntry.actor_user_id == UUID(value)


class AuditView(ConsoleView):
    noun = "audit_entry"
    permission = Permission.READ_AUDIT
    list_template = "admin/audit/list.html"
    details_template = "admin/audit/details.html"
    empty = "Nothing was changed yet."
    intro = "Every change of a record, by whom and from where. Entries are added, never changed, never deleted."
    search_label = "Reference, or id of a record"
    orders = {
        "newest": Order(AuditEntry.created_at, AuditEntry.id),
        "oldest": Order(AuditEntry.created_at, AuditEntry.id, descending=False),
    }
    options = (joinedload(AuditEntry.actor).load_only(User.name),)
    columns = (
        Column(
            "When",
            cells.moment(lambda row: row.entry.created_at),
            lambda row: exact(row.entry.created_at),
            sorts=("oldest", "newest"),
        ),
        Column("Who", _who),
        Column("Kind", lambda row: row.entry.actor_kind.value, is_listed=False),
        Column("What", str, lambda row: row.entry.action),
        Column("Record", lambda row: audit_words.subject_link(row.entry, row.subject), lambda row: row.subject),
        Column("Kind of record", lambda row: audit_words.subject_word(row.entry.subject_type), is_listed=False),
        Column("Id", lambda row: row.entry.subject_id, is_listed=False),
        Column("Change", lambda row: audit_words.summary(row.changes) or "–", css="wrap"),
        Column("Before", _side("before"), is_listed=False),
        Column("After", _side("after"), is_listed=False),
        Column("From", lambda row: cells.mono(_from(row)), _from),
        Column("Place", lambda row: row.entry.position or "–", lambda row: row.entry.position, css="number"),
    )
    filters = (
        Filter(Control("person", "Who"), _person_clause, _people),
        choice("kind", "Done by", AuditEntry.actor_kind, options=_KINDS),
        choice("action", "What", AuditEntry.action, options=_actions),
        choice("subject", "Record", AuditEntry.subject_type, options=_subjects),
        *days(AuditEntry.created_at, "When"),
    )

    def shown(self, rows: Sequence[AuditEntry]) -> Sequence[AuditRow]:
        records = _records(rows)
        names = _names({key for row in rows for key in audit_words.ids_in(row)})
        may_see = self.may(Permission.READ_PERSONAL_CHANGES)
        found = [(row, records.get((row.subject_type, row.subject_id), (None, None))) for row in rows]
        return [
            AuditRow(row, name, Reading(names, _currency(row, currency), may_see, _statuses(row)))
            for row, (name, currency) in found
        ]

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        key = find_request(text) or parse_id(text)
        if key is None:
            return query.where(false())
        # With the kinds named, the index of kind and key finds them.
        kinds = _in_use(AuditEntry.subject_type)
        return query.where(AuditEntry.subject_type.in_(kinds), AuditEntry.subject_id == key)

    def title_of(self, row: AuditEntry) -> str:
        return audit_words.action_words(row.action)

    def facts(self, row: AuditEntry) -> Sequence[tuple[str, object]]:
        [shown] = self.shown([row])
        return [
            ("When", exact(row.created_at)),
            ("Who", _who(shown)),
            ("From", cells.mono(_from(shown))),
            ("Record", audit_words.subject_link(row, shown.subject)),
            ("Id of the record", cells.mono(row.subject_id)),
            ("Name of the action", cells.mono(row.action)),
            ("Place in the chain", row.position or "Not chained yet: that takes a few seconds"),
            ("Hash", cells.mono(row.entry_hash.hex()) if row.entry_hash else None),
            ("Personal data", _erased(row.erased_by)),
        ]

    def chain(self) -> AuditChain | None:
        return audit_chain.find()

    def changes(self, row: AuditEntry) -> list[Change]:
        [shown] = self.shown([row])
        return shown.changes


def _currency(row: AuditEntry, of_record: str | None) -> str:
    return audit_words.currency_in(row) or of_record or ""


def _statuses(row: AuditEntry) -> dict[str, str]:
    return _STATUSES if row.subject_type == ServiceRequest.__tablename__ else {}


_RECORDS: Sequence[tuple[Any, Any, Any]] = (
    (ServiceRequest, ServiceRequest.reference_number, ServiceRequest.currency),
    (Payment, null(), Payment.currency),
    (Refund, null(), Refund.currency),
    (Dispute, null(), Dispute.currency),
    (Service, Service.name, Service.currency),
    (User, User.name, null()),
    (FeatureFlag, FeatureFlag.name, null()),
    (GatewayConfig, GatewayConfig.gateway, null()),
)
"""What the records of some tables are called, and the currency of their amounts."""


def _records(rows: Iterable[AuditEntry]) -> dict[tuple[str, UUID | None], tuple[str | None, str | None]]:
    """Name and currency by table and key, in a query for each table that occurs."""
    found: dict[tuple[str, UUID | None], tuple[str | None, str | None]] = {}
    for model, name, currency in _RECORDS:
        table = model.__tablename__
        keys = {row.subject_id for row in rows if row.subject_type == table}
        if keys:
            known = db.session.execute(select(model.id, name, currency).where(model.id.in_(keys)))
            found |= {(table, key): (called, code) for key, called, code in known}
    return found


def _names(keys: set[str]) -> dict[str, str]:
    """People and services that values name by their key."""
    found = {UUID(key): key for key in keys}
    people = select(User.id, User.name).where(User.id.in_(found))
    services = select(Service.id, Service.name).where(Service.id.in_(found))
    rows = [*db.session.execute(people), *db.session.execute(services)]
    return {found[key]: name for key, name in rows}
