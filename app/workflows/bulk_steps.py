"""What can be done to many requests at once. Each step is a workflow's own, with what is said and asked before it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from app.errors import AssignmentRefused, InvalidInput
from app.kit import ids
from app.models import RequestStatus, ServiceRequest, User
from app.workflows import assignment, requests, status
from app.workflows.audit import Actor
from app.workflows.rosters import Roster
from app.workflows.status import Standing

NO_ROOM = "No available provider with the skill has room."
_ENDS = frozenset({RequestStatus.COMPLETED, RequestStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Mails:
    """How many emails the change of one request sends."""

    to_customer: int = 0
    to_provider: int = 0


class Step(Protocol):
    """`parameters` is what `load` makes it from again; `ends` says that it closes requests."""

    @property
    def action(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def ends(self) -> bool: ...

    @property
    def parameters(self) -> dict[str, Any]: ...

    def ensure(self, standing: Standing) -> None:
        """Raises DomainError with the reason why this cannot be done to a request that stands so."""

    def mails(self, standing: Standing) -> Mails: ...

    def prepare(self, request_ids: Collection[UUID]) -> None:
        """Called once before the requests of one transaction."""

    def carry_out(self, service_request: ServiceRequest, *, actor: Actor) -> str | None:
        """What was done, where the title does not say it. Raises DomainError before anything is changed."""

    def finish(self) -> None:
        """Called once after them. Raises RosterChanged."""


class _Plain:
    """A step that needs to know of no other request."""

    __slots__ = ()

    def prepare(self, request_ids: Collection[UUID]) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SetStatus(_Plain):
    wanted: RequestStatus
    note: str = ""
    action = "set_status"

    @property
    def title(self) -> str:
        return f"Set status to “{self.wanted.label}”"

    @property
    def ends(self) -> bool:
        return self.wanted in _ENDS

    @property
    def parameters(self) -> dict[str, Any]:
        return {"status": self.wanted.value, "note": self.note}

    def ensure(self, standing: Standing) -> None:
        status.ensure_allowed(standing, self.wanted, self.note or None)

    def mails(self, standing: Standing) -> Mails:
        return Mails(to_customer=1)

    def carry_out(self, service_request: ServiceRequest, *, actor: Actor) -> None:
        status.change_status(service_request, self.wanted, actor=actor, note=self.note)


@dataclass(frozen=True, slots=True)
class Assign(_Plain):
    provider: User
    action = "assign"
    ends = False

    @property
    def title(self) -> str:
        return f"Assign to {self.provider.name}"

    @property
    def parameters(self) -> dict[str, Any]:
        return {"provider": str(self.provider.id)}

    def ensure(self, standing: Standing) -> None:
        assignment.ensure_assignable(standing, self.provider)

    def mails(self, standing: Standing) -> Mails:
        return Mails(to_customer=int(standing.status is RequestStatus.PENDING_CONTACT), to_provider=1)

    def carry_out(self, service_request: ServiceRequest, *, actor: Actor) -> None:
        assignment.assign(service_request, self.provider, actor=actor)


@dataclass(frozen=True, slots=True)
class Unassign(_Plain):
    action = "unassign"
    title = "Take back from the provider"
    ends = False

    @property
    def parameters(self) -> dict[str, Any]:
        return {}

    def ensure(self, standing: Standing) -> None:
        assignment.ensure_unassignable(standing)

    def mails(self, standing: Standing) -> Mails:
        return Mails(to_customer=int(standing.status is RequestStatus.TEAM_ASSIGNED))

    def carry_out(self, service_request: ServiceRequest, *, actor: Actor) -> None:
        assignment.unassign(service_request, actor=actor)


class Route:
    action = "route"
    title = "Choose the provider by rule"
    ends = False

    _roster: Roster

    @property
    def parameters(self) -> dict[str, Any]:
        return {}

    def ensure(self, standing: Standing) -> None:
        assignment.ensure_routable(standing)

    def mails(self, standing: Standing) -> Mails:
        return Mails(to_provider=1)

    def prepare(self, request_ids: Collection[UUID]) -> None:
        self._roster = Roster(request_ids)

    def carry_out(self, service_request: ServiceRequest, *, actor: Actor) -> str:
        self.ensure(service_request)
        chosen = self._roster.take(service_request)
        if chosen is None:
            raise AssignmentRefused(NO_ROOM)
        assignment.give(service_request, chosen.provider, actor=actor, because=chosen.because)
        return f"Given to {chosen.provider.name}."

    def finish(self) -> None:
        self._roster.keep()


def load(action: str, parameters: Mapping[str, Any]) -> Step:
    """The step that is meant. Raises InvalidInput or AssignmentRefused."""
    match action:
        case "set_status":
            return SetStatus(_status(parameters.get("status")), requests.read_note(str(parameters.get("note") or "")))
        case "assign":
            return Assign(assignment.get_provider(_key(parameters.get("provider"))))
        case "unassign":
            return Unassign()
        case "route":
            return Route()
    raise InvalidInput("This cannot be done to many requests at once.")


def _status(value: object) -> RequestStatus:
    try:
        return RequestStatus(str(value))
    except ValueError as error:
        raise InvalidInput("Choose a status.", details={"status": "Choose one of the list."}) from error


def _key(value: object) -> UUID:
    key = ids.parse_id(str(value))
    if key is None:
        raise InvalidInput("Choose a provider.", details={"provider": "Choose a provider."})
    return key
