"""What gateways keep for us beside a payment, so that their staff and events can tell whose it is."""

from collections.abc import Mapping
from typing import Any

from app.gateways.base import PaymentIntentParams

_OURS = ("payment_id", "reference_number")


def labels_of(params: PaymentIntentParams) -> dict[str, str]:
    return {
        **params.metadata,
        "customer_name": params.customer_name,
        "customer_email": params.customer_email,
        "customer_phone": params.customer_phone,
    }


def ours(kept: Any) -> dict[str, str]:
    """Those that name our payment. What a gateway gives back where nothing was kept is not always a mapping."""
    return {name: str(kept[name]) for name in _OURS if name in kept} if isinstance(kept, Mapping) else {}
