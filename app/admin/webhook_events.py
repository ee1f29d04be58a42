"""What gateways told us: each verified message once, seen and handled; handled again, and reviewed."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from sqlalchemy import select

from app.admin import payload
from app.admin.bulk import Outcome
from app.admin.pages import done
from app.admin.permissions import Permission
from app.admin.story import letter_name
from app.admin.webhook_event_list import WebhookEventList, words_of
from app.db import db, rehearsal, transaction
from app.errors import DomainError, InvalidInput, NotFound
from app.kit import ids
from app.kit.crypto import CannotOpen
from app.models import EventOutcome, WebhookEvent
from app.workflows import webhook_rehearsal, webhook_reviews, webhooks
from app.workflows.webhook_rehearsal import Forecast

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 100


class ReplayFailed(DomainError):
    code = "replay_failed"
    message = "Handling this message breaks off with an error, so nothing was changed."
    suggested_action = "It stays as it is. Tell a developer: the log has the error under this event's id."


class WebhookEventView(WebhookEventList):
    details_template = "admin/webhook_events/details.html"
    list_template = "admin/webhook_events/list.html"
    page_permissions = {
        **dict.fromkeys(("rehearse", "replay", "replay_many", "review"), Permission.REPLAY),
    }
    action_permissions: Mapping[str, Permission] = {"rehearse": Permission.REPLAY, "review": Permission.REPLAY}

    @property
    def may_replay(self) -> bool:
        return self.may(Permission.REPLAY)

    @property
    def may_read_payloads(self) -> bool:
        return self.may(Permission.READ_PAYLOADS)

    def payload_of(self, row: WebhookEvent) -> str:
        body = db.session.scalar(select(WebhookEvent.body).where(WebhookEvent.id == row.id))
        return payload.pretty(body or b"", is_whole=self.may_read_payloads)

    def can_review(self, row: WebhookEvent) -> bool:
        return self.may_replay and row.outcome is EventOutcome.REVIEW and row.reviewed_at is None

    # --- one message

    @expose("/<uuid:key>/rehearsal")
    def rehearse(self, key: UUID) -> ResponseReturnValue:
        """What handling it again would do."""
        return self.render(
            "admin/webhook_events/rehearsal.html",
            event=self._found(key),
            forecast=self._foresee(key),
            letter_name=letter_name,
            words_of=words_of,
        )

    @expose("/<uuid:key>/replay", methods=("POST",))
    def replay(self, key: UUID) -> ResponseReturnValue:
        outcome = self._replay(key)
        return done(f"Handled again: {outcome.label}.", self.get_url(".details_view", id=key))

    @expose("/<uuid:key>/review", methods=("POST",))
    def review(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            webhook_reviews.mark_reviewed(self.get_locked(key), _sent_note(), actor=self.actor)
        return done("Marked as reviewed.", self.get_url(".details_view", id=key))

    # --- many

    @action("rehearse", "Handle again…")
    def rehearse_selected(self, selected: list[str]) -> ResponseReturnValue:
        """Changes nothing yet: the page says what would happen to each, and has the button that does it."""
        found = [(self._found(key), self._foresee_or_why(key)) for key in _keys(selected)]
        return self.render(
            "admin/webhook_events/rehearsals.html",
            found=found,
            words_of=words_of,
            letter_name=letter_name,
            list_query=request.form.get("list", ""),
        )

    @expose("/replay", methods=("POST",))
    def replay_many(self) -> ResponseReturnValue:
        outcomes = [self._replay_as_outcome(key) for key in _keys(request.form.getlist("rowid"))]
        back = f"{self.get_url('.index_view')}?{request.form.get('list', '')}"
        return self.render("admin/outcomes.html", title="Handle again", outcomes=outcomes, back=back)

    @action("review", "Mark as reviewed")
    def review_selected(self, selected: list[str]) -> ResponseReturnValue:
        change = partial(webhook_reviews.mark_reviewed, note=_sent_note(), actor=self.actor)
        return self.report("Mark as reviewed", selected, change)

    # --- the steps

    def _found(self, key: UUID) -> WebhookEvent:
        row: WebhookEvent | None = self.get_one(key)
        if row is None:
            raise NotFound("This entry does not exist any more.")
        return row

    def _foresee(self, key: UUID) -> Forecast:
        try:
            with rehearsal():
                return webhook_rehearsal.foresee(self.get_locked(key), actor=self.actor)
        except DomainError:
            raise
        except Exception as error:
            raise _failed(key, error) from error

    def _foresee_or_why(self, key: UUID) -> Forecast | DomainError:
        try:
            return self._foresee(key)
        except DomainError as error:
            return error

    def _replay(self, key: UUID) -> EventOutcome:
        try:
            with transaction():
                return webhooks.replay(self.get_locked(key), actor=self.actor)
        except DomainError:
            raise
        except Exception as error:
            raise _failed(key, error) from error

    def _replay_as_outcome(self, key: UUID) -> Outcome:
        name = str(self.get_one(key) or key)
        try:
            return Outcome(name, True, self._replay(key).label)
        except DomainError as error:
            return Outcome(name, False, error.message)


def _failed(key: UUID, error: Exception) -> ReplayFailed:
    """What breaks in handling is ours, not the clicking person's; the log has it, without what the customer wrote."""
    if isinstance(error, CannotOpen):
        return ReplayFailed("This message was sealed with a key that is not in use any more, so it cannot be read.")
    logger.exception("a gateway message could not be handled again", extra={"event": key})
    return ReplayFailed(f"Handling this message breaks off ({type(error).__name__}), so nothing was changed.")


def _keys(selected: Sequence[str]) -> list[UUID]:
    keys = list(dict.fromkeys(key for key in map(ids.parse_id, selected) if key is not None))
    if len(keys) > _MOST_AT_ONCE:
        raise InvalidInput(f"Choose up to {_MOST_AT_ONCE} messages at once.")
    return keys


def _sent_note() -> str:
    return request.form.get("note", "").replace("\0", "").strip()
