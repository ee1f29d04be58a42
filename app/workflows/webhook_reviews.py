"""What a person finds out about a gateway's message that we could not make sense of."""

from app.errors import DomainError, wrong
from app.kit import clock
from app.models import EventOutcome, WebhookEvent
from app.workflows import audit
from app.workflows.audit import Actor

MAXIMUM_NOTE_LENGTH = 2_000


class ReviewRefused(DomainError):
    code = "review_refused"
    message = "Only messages that need review are marked as reviewed."


def mark_reviewed(row: WebhookEvent, note: str, *, actor: Actor) -> None:
    """A person looked into a locked event, and says what it came to. Raises ReviewRefused, InvalidInput."""
    if row.outcome is not EventOutcome.REVIEW:
        raise ReviewRefused
    if row.reviewed_at is not None:
        raise ReviewRefused("It was marked as reviewed already.")
    if not note.strip() or len(note) > MAXIMUM_NOTE_LENGTH:
        raise wrong("note", f"Say what it came to, in up to {MAXIMUM_NOTE_LENGTH:,} characters.")
    row.review_note, row.reviewed_at, row.reviewed_by_user_id = note.strip(), clock.utc_now(), actor.user_id
    # The next try would only alert again.
    row.handled_at, row.next_attempt_at = row.handled_at or row.reviewed_at, None
    audit.record("webhook_event.reviewed", row, actor=actor, after={"note": row.review_note})
