"""The numbers behind the dashboard's plots, as values that can be added up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.models import NotificationStatus

FUNNEL = ("service_selected", "checkout_started", "submitted", "paid")
WAITING = (NotificationStatus.PENDING, NotificationStatus.SENDING)


class Measure(StrEnum):
    """What is counted; behind each, the moment that decides its day, and in brackets what it is counted by."""

    SALES = "sales"  # when it was paid (currency)
    REFUNDS = "refunds"  # when the money had gone back (currency)
    PAYMENTS = "payments"  # when the attempt began (gateway, and whether it is paid, failed or open)
    FUNNEL = "funnel"  # when the visitor did it, each visitor once a day (step)
    FIRST_CONTACT = "first_contact"  # when it was made (how long it took, a step of `kit.spread`)
    PROMISES = "promises"  # when the first contact was due (kept, late, or cancelled before)
    MAIL = "mail"  # when it was owed (status)
    ERRORS = "errors"  # when it happened (category)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many, and how much money where that is counted."""

    count: int = 0
    amount_minor: int = 0


class Figures:
    """Tallies by measure and key: of a day, or of any stretch of time, which is the sum of its days."""

    def __init__(self, kept: Mapping[str, Mapping[str, Sequence[int]]] | None = None) -> None:
        """`kept` is what `as_json` gave."""
        self._tallies = kept or {}

    @classmethod
    def total(cls, parts: Iterable["Figures"]) -> "Figures":
        # A page adds up hundreds of days: one loop within the other, and no object for each number.
        whole: dict[str, dict[str, list[int]]] = {}
        for part in parts:
            for measure, keys in part._tallies.items():
                ours = whole.setdefault(measure, {})
                for key, (count, amount_minor) in keys.items():
                    if key in ours:
                        ours[key][0] += count
                        ours[key][1] += amount_minor
                    else:
                        ours[key] = [count, amount_minor]
        return cls(whole)

    @classmethod
    def counted(cls, rows: Iterable[tuple[str, str, int, int]]) -> "Figures":
        """From measure, key, count and amount, each as often as it comes."""
        return cls.total(cls({measure: {key: (count, amount)}}) for measure, key, count, amount in rows if count)

    def of(self, measure: Measure) -> dict[str, Tally]:
        return {key: Tally(*tally) for key, tally in self._tallies.get(measure, {}).items()}

    def get(self, measure: Measure, key: str) -> Tally:
        return Tally(*self._tallies.get(measure, {}).get(key, (0, 0)))

    def count(self, measure: Measure, *keys: str) -> int:
        """How many of these keys, or of all."""
        known = self._tallies.get(measure, {})
        return sum(known[key][0] for key in keys or known if key in known)

    @property
    def is_settled(self) -> bool:
        """False while a message waits: it will be sent, or fail, and nobody marks the day for that."""
        return not self.count(Measure.MAIL, *WAITING)

    @property
    def size(self) -> int:
        """How many things were counted."""
        return sum(self.count(Measure(measure)) for measure in self._tallies)

    def as_json(self) -> dict[str, Any]:
        return dict(self._tallies)

    def entries(self) -> Iterator[tuple[str, str, int, int]]:
        """Measure, key, count and amount in a fixed order, without what is nought."""
        for measure, keys in sorted(self._tallies.items()):
            for key, tally in sorted(keys.items()):
                if any(tally):
                    yield measure, key, tally[0], tally[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Figures) and list(self.entries()) == list(other.entries())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Figures({self._tallies!r})"
