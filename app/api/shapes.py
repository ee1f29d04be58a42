"""What programs get: the catalogue, purchases, requests, errors."""

from typing import Any

from marshmallow import fields

from app.api.fields import Answer, Count, Id, Moment, Text, says
from app.models import Category, PaymentStatus, RequestStatus

_REFERENCE = says("What the customer quotes.", "SR-7K3M-9QXW-2HTK")
_MINOR = "In the smallest unit of the currency: 499900 is ₹4,999.00."


def minor_units(description: str = _MINOR, **more: Any) -> Count:
    # No bound: a price may be beyond what a count can be.
    return Count(metadata=says(description, 499900), **more)


def currency_code() -> Text:
    return Text(metadata=says("ISO 4217.", "INR"))


def feature_list() -> fields.List[str]:
    return fields.List(Text(), metadata=says("What is in it.", ["Prepared and filed"]))


class Tier(Answer):
    id = Id()
    name = Text(metadata=says("A priced variant of the service.", "Express"))
    amount = minor_units()
    currency = currency_code()
    features = feature_list()


class Pricing(Answer):
    amount = minor_units("The lowest price, in the smallest unit of the currency.")
    currency = currency_code()
    tiers = fields.List(fields.Nested(Tier), metadata=says("In the order in which they are offered; may be empty."))


class Service(Answer):
    id = Id()
    name = Text(metadata=says("What is sold.", "GST registration"))
    short_description = Text()
    description = Text()
    category = fields.Enum(Category, by_value=Text)
    features = feature_list()
    first_contact_hours = Count(metadata=says("Working hours within which a specialist makes contact.", 24))
    pricing = fields.Nested(Pricing)


class Catalogue(Answer):
    services = fields.List(fields.Nested(Service))


class PaymentIntent(Answer):
    client_secret = Text(
        allow_none=True,
        metadata=says("Opens the payment with the gateway's own script: a secret, or the id of its order."),
    )
    amount = minor_units()
    currency = currency_code()
    gateway = Text(metadata=says("Through which payment company.", "stripe"))
    redirect_url = Text(allow_none=True, metadata=says("The gateway's payment page, where it has one."))


class Links(Answer):
    confirmation = Text(
        metadata=says("Signed: shows personal data and the receipt. Give it to nobody but the customer.")
    )
    tracking = Text(metadata=says("Where the request stands, without personal data."))


class Purchase(Answer):
    request_id = Id()
    reference_number = Text(metadata=_REFERENCE)
    payment_intent = fields.Nested(PaymentIntent)
    links = fields.Nested(Links)


class BoughtService(Answer):
    id = Id()
    name = Text(metadata=says("As it was called when it was bought.", "GST registration"))
    category = fields.Enum(Category, by_value=Text)
    tier = Text(allow_none=True, metadata=says("The chosen variant, if there were some.", "Express"))


class TrackedRequest(Answer):
    reference_number = Text(metadata=_REFERENCE)
    service = fields.Nested(BoughtService)
    status = fields.Enum(RequestStatus, by_value=Text)
    status_label = Text(metadata=says("The status in words.", "Awaiting first contact"))
    payment_status = fields.Enum(PaymentStatus, by_value=Text)
    created_at = Moment()


class TimelineStep(Answer):
    status = fields.Enum(RequestStatus, by_value=Text)
    label = Text(metadata=says("The status in words.", "Payment confirmed"))
    description = Text(metadata=says("What it means for the customer.", "Your payment arrived."))
    timestamp = Moment()


class Tracking(Answer):
    request = fields.Nested(TrackedRequest)
    timeline = fields.List(fields.Nested(TimelineStep))
    estimated_next_step = Text(metadata=says("What happens next, in words.", "A specialist contacts you."))
    estimated_next_step_by = Moment(allow_none=True, metadata=says("When at the latest, if that is promised."))


class Received(Answer):
    received = fields.Boolean(metadata=says("It is on record; the gateway need not send it again."))
    processed = fields.Boolean(metadata=says("It was acted on now; false for a repeat, and for what a person reviews."))


class Customer(Answer):
    full_name = Text(metadata=says("", "Kavya Iyer"))
    email = Text(metadata=says("", "kavya.iyer@example.org"))
    phone = Text(metadata=says("With country code.", "+917000012345"))
    requirements = Text(metadata=says("What they wrote.", "Please call me after 4 pm."))


class RequestPayment(Answer):
    status = fields.Enum(PaymentStatus, by_value=Text)
    gateway = Text(allow_none=True, metadata=says("", "stripe"))
    transaction_id = Text(allow_none=True, metadata=says("The gateway's id of the money.", "pi_3Nf"))
    amount = minor_units()
    currency = currency_code()
    refunded_amount = minor_units("Given back so far, in the smallest unit of the currency.")
    completed_at = Moment(allow_none=True)


class Assignee(Answer):
    id = Id()
    name = Text(metadata=says("", "Priya Raman"))


class StaffRequest(Answer):
    id = Id()
    reference_number = Text(metadata=_REFERENCE)
    service = fields.Nested(BoughtService)
    customer = fields.Nested(Customer, allow_none=True, metadata=says("null without the scope customers:read."))
    payment = fields.Nested(RequestPayment)
    status = fields.Enum(RequestStatus, by_value=Text)
    status_label = Text(metadata=says("The status in words.", "Specialist assigned"))
    assigned_provider = fields.Nested(Assignee, allow_none=True)
    affiliate_code = Text(allow_none=True, metadata=says("Who sent the customer."))
    due_at = Moment(allow_none=True, metadata=says("By when first contact is promised."))
    created_at = Moment()
    updated_at = Moment()
    version = Count(metadata=says("Raised by every change; also its ETag.", 3))


class StaffRequests(Answer):
    requests = fields.List(fields.Nested(StaffRequest), metadata=says("The newest first."))
    total = Count(metadata=says("How many match; 10000 is as far as is counted.", 124))
    is_total_exact = fields.Boolean(metadata=says("False: there are more than `total`."))
    page = Count(metadata=says("Of this answer; null when it was asked for by cursor.", 1), allow_none=True)
    total_pages = Count(metadata=says("Pages of `limit` in `total`.", 3))
    next_cursor = Text(allow_none=True, metadata=says("Give it as `cursor` to get what follows; null at the end."))


class ChangedRequest(Answer):
    request = fields.Nested(StaffRequest)
    updated = fields.Boolean(metadata=says("False: it was all as asked for already, and nothing was done."))


class Error(Answer):
    code = Text(metadata=says("Stable: what a program may go by.", "validation_failed"))
    message = Text(metadata=says("For a person.", "Some fields need another look."))
    details = fields.Dict(
        keys=Text(), values=Text(), metadata=says("By field.", {"customer.email": "Enter an email address."})
    )
    retryable = fields.Boolean(metadata=says("Whether the same call may work later."))
    suggested_action = Text(allow_none=True, metadata=says("What to do now.", "Correct the fields and send it again."))


class Errors(Answer):
    error = fields.Nested(Error)
    request_id = Text(allow_none=True, metadata=says("Quote it when you write to us.", "4f2c9d1e8a7b4c3d"))
