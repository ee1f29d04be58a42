"""Gateways: which take payments, in which mode, with which credentials, and whether they still talk to us."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import ColumnElement

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import Control, Filter
from app.admin.listing import Column
from app.admin.pages import done
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.ages import when
from app.db import transaction
from app.errors import DomainError, InvalidInput
from app.extensions import links
from app.models import GatewayConfig
from app.reauthentication import ensure_confirmed
from app.workflows import attention, gateway_health, gateway_setup
from app.workflows.gateway_setup import GatewayChanges

_MODES = ("test", "live")
_PLACES = ("shop", "gateway")


def _activity(row: GatewayConfig) -> Markup:
    if row.is_active and gateway_health.is_resting(row):
        return cells.pill("failed", "Keeps failing")
    return cells.switch(row.is_active)


def _is_in_health(value: str) -> ColumnElement[bool]:
    if value != "down":
        raise ValueError(value)
    return attention.gateway_is_down()


def _default(row: GatewayConfig) -> Markup | str:
    return cells.pill("active", "Default") if row.is_default else "–"


def _webhook_address(row: GatewayConfig) -> Markup:
    return Markup(
        '<button type="button" class="copy" data-copy="{}">Copy<span class="hidden"> that of {}</span></button>'
    ).format(links().webhook(row.gateway), cells.gateway_name(row.gateway))


def _last_webhook(row: GatewayConfig) -> Markup | str:
    """Without a secret nothing that comes is believed: that is not the same as silence."""
    return when(row.last_webhook_at) if row.webhook_secret else cells.pill("failed", "No secret: all are refused")


def _check(row: GatewayConfig) -> Markup:
    return Markup(
        '<button class="button small" formmethod="post" formaction="{}" formnovalidate>Check'
        '<span class="hidden"> the connection to {}</span></button>'
    ).format(url_for("gateways.check", gateway=row.gateway), cells.gateway_name(row.gateway))


def _last_failure(row: GatewayConfig) -> Markup | str:
    if row.last_failure_at is None:
        return "–"
    return Markup("{} <span class='soft'>{}</span>").format(when(row.last_failure_at), row.last_failure or "")


class GatewayView(ConsoleView):
    noun = "gateway"
    empty = "No gateway is set up, so nobody can pay. Choose one above."
    can_view_details = False
    filters = (Filter(Control("health", "Health", options=(("down", "keeps failing"),)), _is_in_health),)
    orders = {"name": Order(GatewayConfig.gateway, GatewayConfig.id, descending=False)}
    columns = (
        Column("Gateway", lambda row: cells.gateway_name(row.gateway)),
        Column("Mode", lambda row: cells.pill(row.mode, row.mode.capitalize()), lambda row: row.mode),
        Column("Takes payments", _activity, lambda row: row.is_active),
        Column("Default", _default, lambda row: row.is_default),
        Column("Webhook address", _webhook_address, lambda row: links().webhook(row.gateway)),
        Column("Last webhook", _last_webhook, lambda row: row.last_webhook_at),
        Column("Last good answer", cells.moment(lambda row: row.last_success_at), lambda row: row.last_success_at),
        Column("Last failure", _last_failure, lambda row: row.last_failure_at, "wrap"),
        Column("Why it failed", lambda row: row.last_failure, is_listed=False),
    )

    @property
    def intro(self) -> Markup:  # type: ignore[override]
        """Leads to those that are not set up yet."""
        names = [
            cells.link(".page", f"Set up {known.label}", gateway=known.name) for known in gateway_setup.not_set_up()
        ]
        return Markup(" · ").join(names) if self.may(Permission.MANAGE_GATEWAYS) else Markup("")

    def listed(self) -> list[Column]:
        check = [Column("Connection", _check)] if self.may(Permission.MANAGE_GATEWAYS) else []
        return [*super().listed(), *check]

    def row_address(self, row: GatewayConfig) -> str:
        return str(self.get_url(".page", gateway=row.gateway))

    @expose("/<gateway>")
    def page(self, gateway: str) -> ResponseReturnValue:
        return self._show(gateway)

    @expose("/<gateway>", methods=("POST",))
    def save(self, gateway: str) -> ResponseReturnValue:
        self.ensure(Permission.MANAGE_GATEWAYS)
        ensure_confirmed()
        try:
            changes = _changes()
            with transaction():
                gateway_setup.set_up(gateway, changes, actor=self.actor, seen=_sent("version"))
        except DomainError as error:
            return self._show(gateway, refusal=error), error.http_status
        return done("Saved.", self.get_url(".page", gateway=gateway))

    @expose("/<gateway>/end-old-secret", methods=("POST",))
    def end_old_secret(self, gateway: str) -> ResponseReturnValue:
        self.ensure(Permission.MANAGE_GATEWAYS)
        ensure_confirmed()
        with transaction():
            gateway_setup.end_old_secret(gateway, actor=self.actor)
        return done("Only the present webhook secret is believed now.", self.get_url(".page", gateway=gateway))

    @expose("/<gateway>/check", methods=("POST",))
    def check(self, gateway: str) -> ResponseReturnValue:
        self.ensure(Permission.MANAGE_GATEWAYS)
        try:
            gateway_setup.check_connection(gateway)
        except DomainError as error:
            with transaction():
                gateway_health.note_failure(gateway, error)
            return self._show(gateway, refusal=gateway_health.told_to_staff(error)), error.http_status
        with transaction():
            gateway_health.note_answer(gateway)
        return done("The gateway answers and takes these credentials.", self.get_url(".page", gateway=gateway))

    def _show(self, gateway: str, *, refusal: DomainError | None = None) -> str:
        known = gateway_setup.get_known(gateway)
        return self.render(
            "admin/gateways/page.html",
            known=known,
            stored=known.config,
            endings={field.name: _ending(known.config, field.name) for field in known.credentials},
            old_ending=_ending(known.config, "previous_webhook_secret"),
            version=gateway_setup.version_of(known.config),
            webhook_address=links().webhook(gateway),
            is_resting=known.config is not None and gateway_health.is_resting(known.config),
            may_change=self.may(Permission.MANAGE_GATEWAYS),
            refusal=refusal,
        )


def _ending(config: GatewayConfig | None, name: str) -> str:
    """The last four characters of what is stored: enough to tell two keys apart, too little to use one."""
    value: str = getattr(config, name) if config is not None else ""
    return value[-4:] if len(value) >= 12 else "…" if value else ""


def _changes() -> GatewayChanges:
    mode = _sent("mode")
    if mode not in _MODES:
        raise InvalidInput("Choose test or live.", details={"mode": "Choose test or live."})
    return GatewayChanges(
        # Blank keeps what is stored.
        api_key=_sent("api_key") or None,
        api_secret=_sent("api_secret") or None,
        webhook_secret=_sent("webhook_secret") or None,
        mode=mode,
        options={"pays_on": _sent("pays_on")} if _sent("pays_on") in _PLACES else {},
        is_active="is_active" in request.form,
        is_default="is_default" in request.form or None,
    )


def _sent(name: str) -> str:
    return request.form.get(name, "").replace("\0", "").strip()
