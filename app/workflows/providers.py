"""What a provider's profile says, and how it is changed; the same for a form, a cell and an imported line."""

from collections.abc import Collection, Mapping
from uuid import UUID

from app.errors import wrong
from app.models import Category, ProviderProfile, ProviderSkill

LONGEST_TITLE = 100
MOST_WORK = 10_000


def picture(profile: ProviderProfile) -> Mapping[str, object]:
    """All that a person can change: compared to notice a stale edit, and entered into the audit log."""
    return {
        "name": profile.user.name,
        "email": profile.user.email,
        "is_enabled": profile.user.is_enabled,
        "title": profile.title,
        "capacity": profile.capacity,
        "availability": profile.availability,
        "categories": sorted(skill.category for skill in profile.skills if skill.category),
        "services": sorted(str(skill.service_id) for skill in profile.skills if skill.service_id),
    }


def set_skills(profile: ProviderProfile, categories: Collection[Category], services: Collection[UUID]) -> None:
    """Keep the skills that stay: their rows would clash with new ones of the same name."""
    profile.skills = [skill for skill in profile.skills if skill.category in categories or skill.service_id in services]
    known_categories = {skill.category for skill in profile.skills}
    known_services = {skill.service_id for skill in profile.skills}
    profile.skills += [ProviderSkill(category=category) for category in sorted(set(categories) - known_categories)]
    profile.skills += [ProviderSkill(service_id=key) for key in sorted(set(services) - known_services)]


def parse_capacity(text: str) -> int:
    """How many open requests at most. Raises InvalidInput."""
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= MOST_WORK):
        raise wrong("capacity", f"Use a whole number up to {MOST_WORK:,}.")
    return int(text)


def load_words(profile: ProviderProfile) -> str:
    """How much more they can take, in words."""
    room = profile.capacity - profile.open_work
    if room > 0:
        return f"room for {room:,}"
    return "full" if room == 0 else f"{-room:,} too many"
