"""What the business's place in the world means for its days and hours."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(slots=True)
class Place:
    """Set once, at the start, from the settings: workflows see no settings."""

    zone: ZoneInfo
    is_production: bool = False


here = Place(ZoneInfo("UTC"))
