"""Where the business is: the time zone of its days and hours, and whether this is its production or a trial."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(slots=True)
class Place:
    """Set once, at the start, from the settings: workflows see no settings."""

    zone: ZoneInfo
    is_production: bool = False


here = Place(ZoneInfo("UTC"))
