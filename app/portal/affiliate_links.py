"""Making a link of any of our pages that counts for an affiliate."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.extensions import links
from app.workflows import catalog
from app.workflows.catalog import Offering

HOME, TRACK = "home", "track"


@dataclass(frozen=True, slots=True)
class Target:
    """A page that a link may lead to; `key` is what the form sends."""

    key: str
    label: str
    address: str


def targets() -> list[Target]:
    """The shop, each service and each of its tiers, and the page on which customers follow a request."""
    home = links().home()
    found = [Target(HOME, "All services", home)]
    for service in catalog.active_services():
        found += _of_service(service, f"{home}services/{service.id}")
    return [*found, Target(TRACK, "Following a request", f"{home}track")]


def make(target: Target, code: str) -> str:
    """The link that shows the page and counts for whoever has the code."""
    separator = "&" if "?" in target.address else "?"
    return f"{target.address}{separator}{urlencode({'ref': code})}"


def chosen(found: Sequence[Target], key: str) -> Target:
    """The one asked for, or the first."""
    return next((target for target in found if target.key == key), found[0])


def _of_service(service: Offering, address: str) -> list[Target]:
    tiers = service.active_tiers
    named = [
        Target(f"tier-{tier.id}", f"{service.name}: {tier.name}", f"{address}?{urlencode({'tier': str(tier.id)})}")
        for tier in (tiers if len(tiers) > 1 else ())
    ]
    return [Target(f"service-{service.id}", service.name, address), *named]
