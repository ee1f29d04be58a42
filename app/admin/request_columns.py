"""Which columns of the requests list one person wants to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.workflows import preferences

_PREFERENCE = "requests.columns"


@dataclass(frozen=True, slots=True)
class Choice:
    """`name` is the class of its cells; `is_usual` says that it is shown until somebody chooses otherwise."""

    name: str
    label: str
    is_usual: bool = True
    is_contact: bool = False


CHOICES = (
    Choice("who", "Customer"),
    Choice("what", "Service"),
    Choice("bought", "Bought"),
    Choice("amount", "Amount"),
    Choice("paid", "Payment"),
    Choice("status", "Status"),
    Choice("provider", "Provider"),
    Choice("due", "Due"),
    Choice("email", "Email", is_usual=False, is_contact=True),
    Choice("phone", "Phone", is_usual=False, is_contact=True),
    Choice("operator", "In charge", is_usual=False),
    Choice("category", "Category", is_usual=False),
    Choice("gateway", "Gateway", is_usual=False),
    Choice("affiliate", "Affiliate", is_usual=False),
    Choice("refunded", "Refunded", is_usual=False),
)
_WITHOUT_CONTACT = tuple(choice for choice in CHOICES if not choice.is_contact)
USUAL = tuple(choice.name for choice in CHOICES if choice.is_usual)


def offered(*, with_contact: bool) -> Sequence[Choice]:
    """Without those that say how to reach a customer, for those who may not know."""
    return CHOICES if with_contact else _WITHOUT_CONTACT


def chosen_by(user_id: UUID, *, with_contact: bool) -> Sequence[str]:
    """In the order of the list, whatever the order of choosing."""
    chosen = _known(preferences.load(user_id, _PREFERENCE).get("columns", USUAL)) or USUAL
    names = {choice.name for choice in offered(with_contact=with_contact)}
    return tuple(name for name in chosen if name in names) or USUAL


def choose(user_id: UUID, columns: Sequence[str]) -> None:
    """None at all means the usual ones again."""
    preferences.save(user_id, _PREFERENCE, {"columns": list(_known(columns) or USUAL)})


def _known(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(choice.name for choice in CHOICES if choice.name in columns)
