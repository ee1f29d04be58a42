"""The audit log in words: what was done to what, and each value before and after, as people read it.

Whoever may not see personal data gets only what is known to be none: a new field is masked until it is named here.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from app.admin import cells
from app.admin.pages import MASK
from app.kit.ids import parse_id
from app.kit.money import Money, format_percent, known_currencies
from app.models import AuditEntry
from app.workflows.audit_fields import ERASED, IMPERSONAL

_MOST_SHOWN, _LONGEST_SHOWN = 3, 80
_NOTHING: tuple[object, ...] = (None, "", [], {})
_NAME = re.compile(r"[a-z]+(_[a-z]+)*")

SUBJECTS: Mapping[str, tuple[str, str | None, str]] = {
    "feature_flags": ("Feature flag", "flags.page", "flag"),
    "payment_gateway_config": ("Gateway", "gateways.page", "gateway"),
    "service_requests": ("Request", "requests.page", "key"),
    "bulk_changes": ("Bulk change", "bulk_changes.page", "key"),
    "payments": ("Payment", "payments.details_view", "id"),
    "refunds": ("Refund", "refunds.details_view", "id"),
    "disputes": ("Dispute", "disputes.details_view", "id"),
    "payouts": ("Payout", "payouts.details_view", "id"),
    "notifications": ("Message", "notifications.details_view", "id"),
    "webhook_events": ("Gateway message", "webhook_events.details_view", "id"),
    "services": ("Service", "services.details_view", "id"),
    "service_tiers": ("Tier", "tiers.details_view", "id"),
    "provider_profiles": ("Provider", "providers.details_view", "id"),
    "affiliate_profiles": ("Affiliate", "affiliates.details_view", "id"),
    "users": ("Account", "users.details_view", "id"),
    "api_tokens": ("Token", None, ""),
    "saved_views": ("Saved view", None, ""),
}
"""By table: the word for it, and the page of one with the name of its argument: its key, or its name."""

_BY_NAME = frozenset({"flag", "gateway"})

_FIELDS = {
    "is_enabled": "may sign in",
    "is_active": "active",
    "is_default": "default",
    "amount_minor": "amount",
    "price_minor": "price",
    "rate": "rate in percent",
    "rates": "other rates in percent",
    "user_emails": "named accounts",
    "first_contact_hours": "hours to first contact",
    "error": "error code",
    "what": "what was exported",
    "api_key": "API key",
    "api_base": "API address",
    "code": "code",
    "left": "fingerprints of the entries as they were",
}
_AMOUNTS = frozenset({"amount", "amount_minor", "price_minor"})
_RATES = frozenset({"rate", "rates", "rate_basis_points"})


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after, in words."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How an entry is read: names of the records that its values name, the currency of its amounts, who reads."""

    names: Mapping[str, str]
    currency: str
    shows_personal: bool
    statuses: Mapping[str, str] = field(default_factory=dict)
    """What the record's kind calls its states."""


def action_words(action: str) -> str:
    """`request.status_changed` as `Request: status changed`."""
    noun, _, verb = action.partition(".")
    return f"{_plain(noun).capitalize()}: {_plain(verb)}" if verb else _plain(noun).capitalize()


def subject_word(table: str) -> str:
    return SUBJECTS[table][0] if table in SUBJECTS else _plain(table).capitalize()


def subject_link(entry: AuditEntry, name: str | None) -> Any:
    """Leads to the record's page, where it has one. `name` is None where the record is gone, or has none."""
    word, endpoint, key = SUBJECTS.get(entry.subject_type, (subject_word(entry.subject_type), None, ""))
    text: str = f"{word} {name}" if name else f"{word} …{entry.subject_id.hex[-6:]}" if entry.subject_id else word
    if name and entry.subject_type == "service_requests":
        # No line ends within a reference.
        text = Markup("{} {}").format(word, cells.mono(name))
    if endpoint is None or (key in _BY_NAME and not name):
        return text
    return cells.link(endpoint, text, **{key: name if key in _BY_NAME else entry.subject_id})


def summary(changes: Sequence[Change]) -> str:
    """The first few changes in a line."""
    shown = [
        f"{each.field}: {each.before} → {each.after}" if each.before else f"{each.field}: {each.after or '–'}"
        for each in changes
    ]
    return "; ".join(_shorten(each) for each in shown[:_MOST_SHOWN]) + (" …" if len(shown) > _MOST_SHOWN else "")


def changes_of(entry: AuditEntry, reading: Reading) -> list[Change]:
    before, after = _sides(entry)
    return [
        Change(field_words(name), _shown(name, before, reading), _shown(name, after, reading))
        for name in {**before, **after}
        # Some entries keep the whole picture: only what differs is a change.
        if name not in before or name not in after or before[name] != after[name]
    ]


def ids_in(entry: AuditEntry) -> set[str]:
    """The keys of other records among its values."""
    return {text for side in _sides(entry) for text in _texts(side) if parse_id(text) is not None}


def currency_in(entry: AuditEntry) -> str | None:
    before, after = _sides(entry)
    named = after.get("currency") or before.get("currency")
    return named if named in known_currencies() else None


def field_words(name: str) -> str:
    return _FIELDS.get(name, _plain(name))


def _sides(entry: AuditEntry) -> tuple[dict[str, Any], dict[str, Any]]:
    changes = json.loads(entry.changes)
    return changes.get("before") or {}, changes.get("after") or {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _shown(name: str, side: Mapping[str, Any], reading: Reading) -> str:
    if name not in side:
        return ""
    value = side[name]
    if not reading.shows_personal and name not in IMPERSONAL and not isinstance(value, bool | None):
        return MASK
    if name == "status":
        value = reading.statuses.get(value, value)
    return _words(name, value, reading)


def _words(name: str, value: Any, reading: Reading) -> str:
    match value:
        case _ if value == ERASED:
            return "erased"
        case _ if value in _NOTHING:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_words(name, inner, reading) for inner in value)
        case dict():
            pairs = ((reading.names.get(key, _plain(key)), inner) for key, inner in value.items())
            return ", ".join(f"{key}: {_words(name, inner, reading)}" for key, inner in pairs)
    return _number(name, value, reading) if isinstance(value, int) else _text(str(value), reading)


def _text(value: str, reading: Reading) -> str:
    if parse_id(value) is not None:
        return reading.names.get(value, f"…{value[-6:]}")
    return _plain(value) if _NAME.fullmatch(value) else value


def _number(name: str, value: int, reading: Reading) -> str:
    if name in _AMOUNTS and reading.currency:
        return cells.money(Money(value, reading.currency))
    return f"{format_percent(value)} %" if name in _RATES else str(value)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _plain(name: str) -> str:
    return name.replace("_", " ")
