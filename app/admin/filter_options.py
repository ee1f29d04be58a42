"""What the filters of the requests list offer, read in one query."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, String, literal, select, type_coerce, union_all

from app.admin import cells
from app.admin.filters import Options
from app.db import db
from app.models import AffiliateProfile, GatewayConfig, Role, Service, User
from app.workflows.requests import OPERATING

_MOST = 300


def _part(kind: str, key: Any, label: Any) -> Select[Any]:
    return select(literal(kind).label("kind"), key.label("key"), type_coerce(label, String).label("label"))


def _short(query: Select[Any]) -> Select[Any]:
    return select(query.limit(_MOST).subquery())


_ALL = union_all(
    _short(_part("service", Service.id, Service.name).order_by(Service.sort_order, Service.name)),
    _short(_part("provider", User.id, User.name).where(User.role == Role.PROVIDER).order_by(User.name)),
    _short(_part("operator", User.id, User.name).where(User.role.in_(OPERATING), User.is_enabled).order_by(User.name)),
    _short(_part("affiliate", AffiliateProfile.user_id, AffiliateProfile.code).order_by(AffiliateProfile.code)),
    _short(_part("gateway", GatewayConfig.id, GatewayConfig.gateway).order_by(GatewayConfig.gateway)),
)


def load() -> Mapping[str, Options]:
    """Value and label by kind: service, provider, operator, affiliate, gateway."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, key, label in db.session.execute(_ALL):
        found[kind].append((label, cells.gateway_name(label)) if kind == "gateway" else (str(key), label))
    return {kind: tuple(options) for kind, options in found.items()}
