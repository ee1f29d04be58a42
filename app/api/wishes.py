"""What programs send: a purchase, a question for requests, a change to one."""

from datetime import date
from typing import Any, NoReturn

from marshmallow import ValidationError, pre_load, validate

from app.api.fields import Choice, Count, Day, Id, Part, Shape, Strict, StrictCount, Text, flat, says
from app.api.purchase import form_of
from app.errors import InvalidInput
from app.models import PaymentStatus, RequestStatus

LARGEST_LIMIT = 100
_DAYS = validate.Range(date(2000, 1, 1), date(2999, 12, 31))


class Buyer(Shape):
    full_name = Text(required=True, metadata=says("Their full name.", "Kavya Iyer"))
    email = Text(required=True, metadata=says("Receipt and news go there.", "kavya.iyer@example.org"))
    phone = Text(required=True, metadata=says("Without a country code it is one of India's.", "+91 70000 12345"))
    requirements = Text(required=True, metadata=says("What they need, in their words.", "Please call me after 4 pm."))


class PurchaseWish(Shape):
    """A wish that is no purchase names every problem at once: those of its form, and those of what it says."""

    service_id = Id(required=True, metadata=says("From the catalogue."))
    service_tier_id = Id(load_default=None, allow_none=True, metadata=says("Needed where the service has tiers."))
    customer = Part(Buyer, required=True, metadata=says("Who buys."))
    affiliate_code = Text(load_default=None, allow_none=True, metadata=says("Who sent the customer.", "ASHA10"))

    @pre_load
    def _ask_for_all_of_a_customer(self, sent: Any, **more: Any) -> Any:
        return {"customer": {}} | sent if isinstance(sent, dict) else sent

    def handle_error(self, error: ValidationError, data: Any, **more: Any) -> NoReturn:
        problems = flat(error.messages)
        known = error.valid_data if isinstance(error.valid_data, dict) else {}
        if "service_id" in known and "customer" not in problems:
            problems = form_of(known).problems_by_name() | problems
        raise InvalidInput(details=problems)


class RequestsQuery(Strict):
    service_type = Text(metadata=says("The id of a service, or a category: ca, legal, other.", "ca"))
    status = Choice(RequestStatus, by_value=Text, metadata=says("Where the work stands."))
    payment_status = Choice(PaymentStatus, by_value=Text, metadata=says("Whether it is paid."))
    start_date = Day(
        validate=_DAYS, metadata=says("Bought on this day or later; days of the business's time zone.", "2026-03-01")
    )
    end_date = Day(validate=_DAYS, metadata=says("Bought on this day or before.", "2026-03-31"))
    assigned_provider = Text(metadata=says("The id of a provider, or none for requests that nobody has."))
    page = Count(validate=validate.Range(1), metadata=says("From 1; as far as `totalPages`.", 1))
    cursor = Text(metadata=says("`nextCursor` of an answer: what follows it, however far. Not with `page`."))
    limit = Count(
        load_default=20, validate=validate.Range(1, LARGEST_LIMIT), metadata=says("Requests in an answer.", 20)
    )


class RequestChange(Strict):
    """What is left out stays as it is."""

    status = Choice(RequestStatus, by_value=Text, metadata=says("The customer is told of a change."))
    assigned_provider_id = Id(allow_none=True, metadata=says("null takes the request back from its provider."))
    notes = Text(
        allow_none=True,
        metadata=says("Kept with the change of status, or as a note of staff. Opening again needs one."),
    )
    version = StrictCount(
        validate=validate.Range(1), metadata=says("The one that was read: as `If-Match`, for who cannot set headers.")
    )
