"""What a provider's page tells besides the profile: their open requests, what they finished, who changed what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import joinedload, load_only

from app.admin import audit_words
from app.admin.audit_words import Reading
from app.db import db
from app.models import AuditEntry, ProviderProfile, Service, ServiceRequest, User

_MOST = 20


@dataclass(frozen=True, slots=True)
class ProfileChange:
    at: datetime
    what: str
    who: str
    change: str


@dataclass(frozen=True, slots=True)
class ProviderStory:
    """`is_more` says that there are more open requests than stand here."""

    open_requests: Sequence[ServiceRequest]
    is_more: bool
    closed_requests: Sequence[ServiceRequest]
    changes: Sequence[ProfileChange]


def tell(profile: ProviderProfile, *, shows_personal: bool) -> ProviderStory:
    is_open = ServiceRequest.closed_at.is_(None)
    open_requests = db.session.scalars(_requests(profile).where(is_open).limit(_MOST + 1)).all()
    closed_requests = db.session.scalars(_requests(profile).where(~is_open).limit(_MOST)).all()
    return ProviderStory(
        open_requests[:_MOST],
        len(open_requests) > _MOST,
        closed_requests,
        _changes(profile, shows_personal=shows_personal),
    )


def _requests(profile: ProviderProfile) -> Select[ServiceRequest]:
    """Theirs, the newest first."""
    return (
        select(ServiceRequest)
        .where(ServiceRequest.assigned_provider_id == profile.user_id)
        .order_by(ServiceRequest.created_at.desc(), ServiceRequest.id.desc())
        .options(
            load_only(
                ServiceRequest.reference_number,
                ServiceRequest.customer_name,
                ServiceRequest.service_name,
                ServiceRequest.tier_name,
                ServiceRequest.status,
                ServiceRequest.assigned_at,
                ServiceRequest.due_at,
                ServiceRequest.first_contact_at,
                ServiceRequest.closed_at,
            )
        )
    )


def _changes(profile: ProviderProfile, *, shows_personal: bool) -> list[ProfileChange]:
    query = (
        select(AuditEntry)
        .where(
            or_(
                and_(
                    AuditEntry.subject_type == ProviderProfile.__tablename__,
                    AuditEntry.subject_id == profile.id,
                ),
                and_(AuditEntry.subject_type == User.__tablename__, AuditEntry.subject_id == profile.user_id),
            )
        )
        .options(joinedload(AuditEntry.actor).load_only(User.name))
        .order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc())
        .limit(_MOST)
    )
    entries = db.session.scalars(query).all()
    services = {str(key): name for key, name in db.session.execute(select(Service.id, Service.name))}
    reading = Reading(names=services, currency="", shows_personal=shows_personal)
    return [
        ProfileChange(
            entry.created_at,
            audit_words.action_words(entry.action),
            entry.actor.name if entry.actor else "System",
            audit_words.summary(audit_words.changes_of(entry, reading)),
        )
        for entry in entries
    ]
