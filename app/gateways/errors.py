"""What may go wrong between us and a gateway, with what the customer reads of it."""

from app.errors import DomainError


class GatewayError(DomainError):
    """A gateway refused what was asked: nothing was done. `details["reason"]` is its reason, for staff."""

    code = "gateway_error"
    http_status = 502
    message = "The payment company could not do this. You have not been charged."
    suggested_action: str | None = "Try again, or pay another way."


class GatewayUnavailable(GatewayError):
    """No answer: it may or may not have been done. Asking again with the same idempotency key is safe."""

    code = "gateway_unavailable"
    http_status = 503
    retryable = True
    message = "We could not reach the payment company. You have not been charged."
    suggested_action = "Please try again in a minute. Your details are kept."


class UnknownPayment(GatewayError):
    """The gateway has no such payment: never made, made with other credentials, or forgotten after a while."""

    code = "unknown_payment"
    message = "The payment company does not know this payment."
    suggested_action: str | None = "Start the payment again."


class BadCredentials(GatewayError):
    """The gateway does not accept our keys. `details["reason"]` is for staff."""

    code = "bad_credentials"
    message = "This way to pay does not work right now. You have not been charged."
    suggested_action: str | None = "Pay another way, or tell us."


class UnsupportedAmount(GatewayError):
    """Refused before the gateway was called."""

    code = "unsupported_amount"
    http_status = 422
    message = "This amount cannot be paid this way. You have not been charged."
    suggested_action: str | None = "Pay another way."


class InvalidSignature(GatewayError):
    code = "invalid_signature"
    http_status = 400
    message = "The message is not signed with our secret."
    suggested_action = None


class UnsupportedGateway(GatewayError):
    code = "unsupported_gateway"
    http_status = 404
    message = "There is no such payment gateway."
    suggested_action = None
