"""Filters of the requests list that offer what stands in the tables: read again only when that was changed."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Select, String, literal, select, type_coerce, union_all

from app.admin import cells
from app.admin.filters import Control
from app.db import db
from app.models import AffiliateProfile, GatewayConfig, Role, Service, User
from app.workflows.editions import Kept
from app.workflows.requests import OPERATING

NOBODY: Literal["none"] = "none"
ME = "me"
_MOST = 300


def _part(kind: str, key: Any, label: Any) -> Select[Any]:
    return select(literal(kind).label("kind"), key.label("key"), type_coerce(label, String).label("label"))


def _short(query: Select[Any]) -> Select[Any]:
    return select(query.limit(_MOST).subquery())


_SERVICES = select(Service.id, Service.name).order_by(Service.sort_order, Service.name).limit(_MOST)
_GATEWAYS = select(GatewayConfig.gateway).order_by(GatewayConfig.gateway).limit(_MOST)
_PEOPLE = union_all(
    _short(_part("provider", User.id, User.name).where(User.role == Role.PROVIDER).order_by(User.name)),
    _short(_part("operator", User.id, User.name).where(User.role.in_(OPERATING), User.is_enabled).order_by(User.name)),
    _short(_part("affiliate", AffiliateProfile.user_id, AffiliateProfile.code).order_by(AffiliateProfile.code)),
)


def service() -> Control:
    return _SERVICE.now()


def gateway() -> Control:
    return _GATEWAY.now()


def people() -> Mapping[str, Control]:
    """By name: provider, operator, affiliate."""
    return _OF_PEOPLE.now()


def _read_services() -> Control:
    found = tuple((str(key), name) for key, name in db.session.execute(_SERVICES))
    return Control("service", "Service", options=found)


def _read_gateways() -> Control:
    found = tuple((name, cells.gateway_name(name)) for name in db.session.scalars(_GATEWAYS))
    return Control("gateway", "Gateway", options=found)


def _read_people() -> Mapping[str, Control]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, key, label in db.session.execute(_PEOPLE):
        found[kind].append((str(key), label))
    nobody, me = (NOBODY, "nobody"), (ME, "me")
    return {
        "provider": Control("provider", "Provider", options=(nobody, *found["provider"])),
        "operator": Control("operator", "In charge", options=(me, nobody, *found["operator"])),
        "affiliate": Control("affiliate", "Affiliate", options=tuple(found["affiliate"])),
    }


_SERVICE = Kept("catalog", _read_services)
_GATEWAY = Kept("gateways", _read_gateways)
_OF_PEOPLE = Kept("people", _read_people)
