"""Gateways: which take payments, in which mode, and whether they still talk to us."""

from collections.abc import Sequence

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.listing import Column
from app.admin.paging import Order
from app.ages import exact
from app.extensions import links
from app.models import GatewayConfig


def _secret(value: str) -> str:
    """Whether it is there; what it is, nobody gets to see."""
    return "Set" if value else "Not set"


class GatewayView(ConsoleView):
    noun = "gateway"
    empty = "No gateway is set up, so nobody can pay. Use the command set-gateway."
    orders = {"name": Order(GatewayConfig.gateway, GatewayConfig.id, descending=False)}
    columns = (
        Column("Gateway", lambda row: row.gateway.capitalize()),
        Column("Mode", lambda row: cells.pill(row.mode, row.mode.capitalize()), lambda row: row.mode),
        Column("Takes payments", lambda row: cells.switch(row.is_active), lambda row: row.is_active),
        Column("Default", lambda row: "Default" if row.is_default else "–"),
        Column("Last webhook", cells.moment(lambda row: row.last_webhook_at), lambda row: row.last_webhook_at),
        Column("Last success", cells.moment(lambda row: row.last_success_at), lambda row: row.last_success_at),
    )

    def title_of(self, row: GatewayConfig) -> str:
        return row.gateway.capitalize()

    def facts(self, row: GatewayConfig) -> Sequence[tuple[str, object]]:
        return [
            ("Mode", cells.pill(row.mode, row.mode.capitalize())),
            ("Takes payments", cells.switch(row.is_active)),
            ("Default", "Yes" if row.is_default else "No"),
            ("API key", _secret(row.api_key)),
            ("API secret", _secret(row.api_secret)),
            ("Webhook secret", _secret(row.webhook_secret)),
            ("Webhook address", cells.mono(links().webhook(row.gateway))),
            ("Last webhook", row.last_webhook_at and exact(row.last_webhook_at)),
            ("Last success", row.last_success_at and exact(row.last_success_at)),
            ("Last failure", row.last_failure_at and exact(row.last_failure_at)),
            ("Why", row.last_failure),
        ]
