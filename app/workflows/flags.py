"""Feature flags: what can be switched off, for whom it is on, and changing that.

The flags that exist are declared here; a row is kept only for one that was ever changed.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.db import db
from app.errors import DomainError, NotFound, StaleChange, wrong
from app.models import FeatureFlag, FlagState
from app.workflows import accounts, audit
from app.workflows.audit import Actor
from app.workflows.editions import Kept

PURCHASE = "purchase"
PAY_ON_PAGE = "pay_on_page"
AFFILIATE_LINKS = "affiliate_links"
MAXIMUM_PEOPLE = 50


@dataclass(frozen=True, slots=True)
class Flag:
    """`off` says what those see for whom it is off."""

    name: str
    label: str
    guards: str
    off: str
    state: FlagState = FlagState.ON


FLAGS = (
    Flag(
        PURCHASE,
        "The shop takes orders",
        "The form on every service's page, and purchases by the API.",
        "The page says that no orders are taken now and shows no form; the API refuses a purchase. "
        "Who has ordered already can still pay, and follow their request.",
    ),
    Flag(
        PAY_ON_PAGE,
        "Pay on our page",
        "The gateway's own form on our page, where a gateway is set up so.",
        "Customers pay on the gateway's page.",
    ),
    Flag(
        AFFILIATE_LINKS,
        "Affiliates' links",
        "Codes that come with an address: they are kept for 30 days, and the visit is counted.",
        "Codes in addresses are left alone. Who came through a link before still counts for its affiliate.",
    ),
)
"""In the order in which the console lists them."""

_BY_NAME = {flag.name: flag for flag in FLAGS}


class OrdersPaused(DomainError):
    """The shop takes no new orders from this visitor."""

    code = "orders_paused"
    http_status = 503
    retryable = True
    message = "We take no new orders at the moment. You have not been charged."
    suggested_action = "Please come back later. Requests you have made go on as usual."


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `key` stays the same for one visitor and names nobody; `email` is of a signed-in account."""

    key: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """For whom a flag is on."""

    state: FlagState
    percent: int = 0
    emails: tuple[str, ...] = ()


def get_flag(name: str) -> Flag:
    """Raises NotFound for a flag that the code does not know."""
    if name not in _BY_NAME:
        raise NotFound("This feature flag does not exist.")
    return _BY_NAME[name]


def settings() -> dict[str, Setting]:
    """Of all flags, by name."""
    changed = _CHANGED.now()
    return {flag.name: changed.get(flag.name, Setting(flag.state)) for flag in FLAGS}


def setting(name: str) -> Setting:
    """Raises NotFound."""
    flag = get_flag(name)
    return _CHANGED.now().get(name, Setting(flag.state))


def is_on(name: str, visitor: Visitor, known: Setting | None = None) -> bool:
    """Whether this visitor gets it; asked again, and with more percent, one who has it keeps it."""
    found = known or setting(name)
    match found.state:
        case FlagState.ON:
            return True
        case FlagState.OFF:
            return False
        case FlagState.USERS:
            return visitor.email.lower() in found.emails
        case FlagState.PERCENT:
            return bool(visitor.key) and share_of(name, visitor.key) < found.percent


def share_of(name: str, key: str) -> int:
    """The visitor's place among a hundred, another for each flag; it outlives every change of our own keys."""
    digest = hmac.new(key.encode(), name.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") % 100


def change(name: str, wanted: Setting, *, seen: str, actor: Actor) -> FeatureFlag:
    """`seen` is the fingerprint of what the form showed. Raises StaleChange, InvalidInput, NotFound."""
    flag = get_flag(name)
    row = db.session.scalar(select(FeatureFlag).where(FeatureFlag.name == name).with_for_update(key_share=True))
    before = _setting(flag, row)
    if fingerprint(before) != seen:
        raise StaleChange
    checked = _checked(wanted)
    row = row or _insert(flag)
    row.state, row.percent, row.user_emails = checked.state, checked.percent, list(checked.emails)
    db.session.flush()
    audit.record("flag.changed", row, actor=actor, before=_picture(before), after=_picture(checked) | {"flag": name})
    return row


def fingerprint(known: Setting) -> str:
    text = "\0".join((known.state, str(known.percent), *known.emails))
    return hashlib.blake2s(text.encode(), digest_size=12).hexdigest()


def _setting(flag: Flag, row: FeatureFlag | None) -> Setting:
    if row is None:
        return Setting(flag.state)
    return Setting(row.state, row.percent, tuple(row.user_emails))


def _read() -> Mapping[str, Setting]:
    """Of the flags that were ever changed."""
    query = select(FeatureFlag.name, FeatureFlag.state, FeatureFlag.percent, FeatureFlag.user_emails)
    return {name: Setting(state, percent, tuple(emails)) for name, state, percent, emails in db.session.execute(query)}


_CHANGED = Kept("flags", _read)


def _checked(wanted: Setting) -> Setting:
    if not 0 <= wanted.percent <= 100:
        raise wrong("percent", "Enter a number from 0 to 100.")
    if wanted.state is FlagState.USERS and not wanted.emails:
        raise wrong("emails", "Name at least one account, or switch it off.")
    return Setting(wanted.state, wanted.percent, _known_people(wanted.emails))


def _known_people(emails: Sequence[str]) -> tuple[str, ...]:
    folded = tuple(dict.fromkeys(email.strip().lower() for email in emails if email.strip()))
    if len(folded) > MAXIMUM_PEOPLE:
        raise wrong("emails", f"Name up to {MAXIMUM_PEOPLE} accounts.")
    unknown = [email for email in folded if accounts.find_user(email) is None]
    if unknown:
        raise wrong("emails", f"Nobody has an account with {', '.join(unknown)}.")
    return folded


def _insert(flag: Flag) -> FeatureFlag:
    row = FeatureFlag(name=flag.name, state=flag.state, percent=0, user_emails=[])
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise StaleChange from error
    return row


def _picture(known: Setting) -> dict[str, object]:
    return {"state": known.state, "percent": known.percent, "user_emails": list(known.emails)}
