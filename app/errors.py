"""Errors a person may read: each says what happened, whether to try again, and what to do now."""

from collections.abc import Mapping


class DomainError(Exception):
    """An expected refusal. `message` is shown to the person who asked; subclasses fix code, status and advice."""

    code = "refused"
    http_status = 409
    retryable = False
    message = "This cannot be done."
    suggested_action: str | None = None

    def __init__(self, message: str | None = None, *, details: Mapping[str, str] | None = None) -> None:
        self.message = message or type(self).message
        self.details = dict(details or {})
        super().__init__(self.message)


class NotFound(DomainError):
    code = "not_found"
    http_status = 404
    message = "We could not find that."
    suggested_action = "Check the address or the reference number."


class NotAllowed(DomainError):
    code = "forbidden"
    http_status = 403
    message = "Your role does not allow this."
    suggested_action = "Ask an administrator if you need it."


class InvalidInput(DomainError):
    code = "validation_failed"
    http_status = 422
    message = "Some fields need another look."
    suggested_action = "Correct what is named and send it again."


def wrong(field: str, message: str) -> InvalidInput:
    """A refusal for what stands in one field, which is told beside it; an empty `field` means all of them together."""
    return InvalidInput(message, details={field: message})


class StaleChange(DomainError):
    """Somebody else changed the record since it was shown."""

    code = "stale"
    http_status = 412
    message = "Somebody changed this in the meantime, so nothing was saved."
    suggested_action = "Reload to see the change, then decide again."


class TransitionRefused(DomainError):
    code = "transition_refused"
    message = "The request cannot move to that status."


class AssignmentRefused(DomainError):
    code = "assignment_refused"
    message = "The request cannot be assigned to that provider."


class ServiceNotForSale(DomainError):
    code = "service_not_for_sale"
    http_status = 410
    message = "This service is not on sale any more."
    suggested_action = "Choose another service."


class AlreadyPaid(DomainError):
    code = "already_paid"
    message = "This request is paid already. You do not need to pay again."


class PaymentClosed(DomainError):
    code = "payment_closed"
    message = "This request was cancelled, so it cannot be paid."
    suggested_action = "Start a new purchase."


class NoGateway(DomainError):
    code = "no_gateway"
    http_status = 503
    retryable = True
    message = "Payments are not available right now. You have not been charged."
    suggested_action = "Please try again in a few minutes."
