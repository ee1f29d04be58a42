"""The mails that a tale caused, all of them sent."""

from app.kit import clock
from app.models import Notification, NotificationStatus, PaymentStatus, RequestStatus
from app.samples.fields import Field, Fields, moment_of
from app.samples.numbers import dashed
from app.samples.scene import Person, Scene, column_of
from app.samples.tables import Sheet
from app.samples.tale import MINUTE, Telling
from app.workflows.notifications import ORDINARY, URGENT, postmark

_SECOND = MINUTE // 60
_LETTER = (
    "id",
    "message_id",
    "created_at",
    "updated_at",
    "sent_at",
    "kind",
    "dedupe_key",
    "service_request_id",
    "subject_id",
    "recipient_user_id",
    "recipient",
    "priority",
)
# The system's own steps, which nobody is told of.
_SILENT = (RequestStatus.PAYMENT_CONFIRMED, RequestStatus.PENDING_CONTACT)


class LettersBook:
    def __init__(self, fields: Fields, scene: Scene) -> None:
        self._fields, self._administrators = fields, scene.administrators
        self._letters = Sheet(Notification, _LETTER, fields, status=NotificationStatus.SENT, context={})
        self.sheets = (self._letters,)
        priority = column_of(Notification, "priority")
        self._urgent, self._ordinary = fields.constant(priority, URGENT), fields.constant(priority, ORDINARY)
        self._written = 0

    def write(self, telling: Telling) -> None:
        tale = telling.tale
        self._written = 0
        if tale.paid_at is not None:
            self._tell_customer(telling, "payment_confirmed", telling.payment, offset=tale.paid_at)
            for administrator in self._administrators:
                self._tell_administrator(telling, administrator, offset=tale.paid_at)
        elif tale.payment is PaymentStatus.FAILED:
            self._tell_customer(telling, "payment_failed", telling.payment, offset=0)
        for number, change in enumerate(tale.changes):
            if change.new not in _SILENT:
                self._tell_customer(telling, "status_changed", telling.change(number), offset=change.at)
        if tale.provider is not None and tale.assigned_at is not None:
            self._tell_provider(telling, tale.provider, offset=tale.assigned_at)
        if tale.returned_minor:
            self._tell_customer(telling, "refund_issued", telling.refund, offset=tale.returned_at)

    def _tell_customer(self, telling: Telling, kind: str, subject: int, *, offset: int) -> None:
        receiver = (self._fields.nothing, telling.customer.address, self._urgent)
        self._owe(telling, kind, dashed(subject), self._fields.key(subject), *receiver, offset=offset)

    def _tell_administrator(self, telling: Telling, person: Person, *, offset: int) -> None:
        occasion = f"{dashed(telling.request)}:{person.user_id}"
        self._owe(telling, "new_request", occasion, self._fields.nothing, *self._signs_in(person), offset=offset)

    def _tell_provider(self, telling: Telling, person: Person, *, offset: int) -> None:
        assigned_at = clock.isoformat(moment_of(telling.at + offset))
        occasion = f"{dashed(telling.request)}:{person.user_id}:{assigned_at}"
        self._owe(telling, "provider_assigned", occasion, person.key, *self._signs_in(person), offset=offset)

    def _signs_in(self, person: Person) -> tuple[Field, ...]:
        return person.key, person.address, self._ordinary

    def _owe(self, telling: Telling, kind: str, occasion: str, *about: Field, offset: int) -> None:
        """`about` is the subject, the receiver's key and address, and the priority."""
        fields = self._fields
        self._written += 1
        key = telling.key(offset, 32 + self._written)
        sent = fields.moment(telling.at + offset + 2 * _SECOND)
        row = (
            fields.key(key),
            fields.text(f"<{dashed(key)}@{postmark.host}>"),
            fields.moment(telling.at + offset),
            sent,
            sent,
            fields.text(kind),
            fields.text(f"{kind}:{occasion}"),
            fields.key(telling.request),
            *about,
            *self._letters.rest,
        )
        self._letters.rows.append(row)
