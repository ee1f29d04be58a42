"""The clock of a request: due in working time, and standing still while we wait for the customer."""

from datetime import datetime, timedelta

from app.errors import DomainError
from app.kit import clock
from app.models import ServiceRequest
from app.workflows import audit, figure_marks, notifications, working_time
from app.workflows.audit import Actor


class ClockRefused(DomainError):
    code = "clock_refused"
    message = "The clock of this request does not run, so it cannot be stopped."


def promise(service_request: ServiceRequest, *, since: datetime) -> None:
    """Set when the customer must have been contacted, by the hours of the service."""
    hours = service_request.service.first_contact_hours
    service_request.due_at = working_time.business().add(since, timedelta(hours=hours))


def wait_for_customer(service_request: ServiceRequest, *, actor: Actor) -> None:
    """Stop the clock of a locked request: we tried, and the customer has to answer. They are told how.

    Raises ClockRefused when nothing is owed, or somebody waits already.
    """
    if service_request.waiting_since is not None:
        raise ClockRefused("We wait for this customer already.")
    if not service_request.is_open or service_request.first_contact_at is not None or service_request.due_at is None:
        raise ClockRefused
    now = clock.utc_now()
    left = int(working_time.business().between(now, service_request.due_at).total_seconds())
    service_request.waiting_since = now
    service_request.work_left_seconds = left
    # Late already, it counted on the day when it was due.
    figure_marks.mark(service_request.due_at)
    service_request.due_at = None
    service_request.updated_at = now
    audit.record("request.clock_stopped", service_request, actor=actor, after={"left_seconds": left})
    notifications.customer_awaited(service_request)


def go_on(service_request: ServiceRequest, *, actor: Actor) -> None:
    """Let the clock of a locked request run again with the time that was left. Raises ClockRefused."""
    if service_request.waiting_since is None:
        raise ClockRefused("We do not wait for this customer.")
    resume(service_request, at=clock.utc_now())
    service_request.updated_at = clock.utc_now()
    audit.record("request.clock_resumed", service_request, actor=actor, after={"due": service_request.due_at})


def resume(service_request: ServiceRequest, *, at: datetime) -> None:
    """The due time again, if the clock stood still: what was late before is late at once."""
    if service_request.waiting_since is None:
        return
    left = timedelta(seconds=service_request.work_left_seconds or 0)
    service_request.due_at = working_time.business().add(at, left)
    service_request.waiting_since = None
    service_request.work_left_seconds = None
