"""Which days the dashboard's plots show, and how they are cut: all of it stands in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from app.admin.filters import parse_day
from app.kit.periods import Bucket, Period, is_whole

MOST_DAYS = 3660
"""Ten years: a plot of more months than that tells nothing any more."""

_FINEST = ((Bucket.DAY, 100), (Bucket.WEEK, 800), (Bucket.MONTH, MOST_DAYS))
"""Up to how many days a plot can be cut so fine: a bar must stay wide enough to point at."""
_USUAL = ((Bucket.DAY, 45), (Bucket.WEEK, 200), (Bucket.MONTH, MOST_DAYS))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Preset:
    name: str
    label: str


PRESETS = (Preset("7d", "7 days"), Preset("30d", "30 days"), Preset("90d", "90 days"), Preset("12m", "12 months"))
_USUAL_PRESET = PRESETS[1]


@dataclass(frozen=True, slots=True)
class Link:
    """A choice that is one click away; `address` is None for one that the days do not allow."""

    label: str
    address: str | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class PlotRange:
    """`preset` is empty where days are named. `note` says what was asked for and could not be had."""

    period: Period
    bucket: Bucket
    today: date
    preset: str = ""
    note: str = ""

    @property
    def slices(self) -> list[Period]:
        return self.period.split(self.bucket)

    @property
    def whole(self) -> Period | None:
        """The days of it that are over; only they can be compared with others."""
        end = min(self.period.end, self.today - timedelta(days=1))
        return Period(self.period.start, end) if end >= self.period.start else None

    @property
    def before(self) -> Period | None:
        """As many days as are over, right before."""
        return self.period.before(self.whole.length) if self.whole else None

    @property
    def words(self) -> str:
        return f"{day_words(self.period.start)} to {day_words(self.period.end)}"

    def is_part(self, piece: Period) -> bool:
        """Whether a bar stands for less than it seems to: cut off, or not over yet."""
        return not is_whole(piece, self.bucket) or piece.end >= self.today

    # --- the addresses of its neighbours

    def presets(self) -> list[Link]:
        return [
            Link(
                each.label,
                _address({"period": each.name} if each is not _USUAL_PRESET else {}),
                each.name == self.preset,
            )
            for each in PRESETS
        ]

    def buckets(self) -> list[Link]:
        return [
            Link(
                f"by {bucket}",
                _address(self._arguments | {"by": bucket}) if self.period.length <= most else None,
                bucket is self.bucket,
            )
            for bucket, most in _FINEST
        ]

    @property
    def _arguments(self) -> dict[str, str]:
        if self.preset:
            return {"period": self.preset}
        return {"from": self.period.start.isoformat(), "to": self.period.end.isoformat()}


def parse(arguments: Mapping[str, str], today: date) -> PlotRange:
    """Whatever the address says, there is something to show."""
    start, end = _day(arguments.get("from")), _day(arguments.get("to"))
    if start or end:
        preset, (period, note) = "", _between(start, end, today)
    else:
        names = {each.name for each in PRESETS}
        preset = arguments.get("period", "") if arguments.get("period") in names else _USUAL_PRESET.name
        period, note = _preset(preset, today), ""
    bucket, coarser = _bucket(arguments.get("by", ""), period)
    return PlotRange(period, bucket, today, preset, note or coarser)


def _preset(name: str, today: date) -> Period:
    if name.endswith("d"):
        return Period(today - timedelta(days=int(name[:-1]) - 1), today)
    # Eleven months that are over, and the one that runs.
    return Period(_months_ago(today, 11), today)


def _months_ago(today: date, months: int) -> date:
    number = today.year * 12 + today.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def _between(start: date | None, end: date | None, today: date) -> tuple[Period, str]:
    end = min(end or today, today)
    start = min(start or end - timedelta(days=29), today)
    start, end = min(start, end), max(start, end)
    earliest = end - timedelta(days=MOST_DAYS - 1)
    if start < earliest:
        return Period(earliest, end), "Ten years at once are shown, not more."
    return Period(start, end), ""


def _bucket(asked: str, period: Period) -> tuple[Bucket, str]:
    allowed = [bucket for bucket, most in _FINEST if period.length <= most]
    usual = next(bucket for bucket, most in _USUAL if period.length <= most)
    if asked not in set(Bucket):
        return usual, ""
    if asked in allowed:
        return Bucket(asked), ""
    return allowed[0], f"So many days do not fit by {asked}: they are shown by {allowed[0]}."


def _day(text: str | None) -> date | None:
    try:
        return parse_day(text.strip()) if text else None
    except ValueError:
        return None


def _address(arguments: Mapping[str, str]) -> str:
    return f"?{urlencode(arguments)}#plots"


# --- names of days, as they stand below a plot and in its table


def day_words(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def tick_words(piece: Period, bucket: Bucket) -> str:
    month = _MONTHS[piece.start.month - 1]
    if bucket is Bucket.MONTH:
        return f"{month} {piece.start.year}" if piece.start.month == 1 else month
    return f"{piece.start.day} {month}"


def slice_words(piece: Period, bucket: Bucket) -> str:
    """In full: `Sun 22 Nov 2026`, `16 Nov to 22 Nov 2026`, `Nov 2026`."""
    if piece.length == 1:
        return f"{_WEEKDAYS[piece.start.weekday()]} {day_words(piece.start)}"
    if bucket is Bucket.MONTH and is_whole(piece, bucket):
        return f"{_MONTHS[piece.start.month - 1]} {piece.start.year}"
    return f"{piece.start.day} {_MONTHS[piece.start.month - 1]} to {day_words(piece.end)}"
