"""A shop that sells through one simulated company."""

from sqlalchemy import select

from app.db import db, transaction
from app.models import AffiliateProfile, GatewayConfig, Role
from tests.factories import make_gateway, make_user
from tests.simulator import Simulator

CURRENCIES = {"stripe": "INR", "razorpay": "INR", "paypal": "USD"}


def set_up(simulator: Simulator, gateway: str) -> GatewayConfig:
    config = simulator.config(gateway)
    return make_gateway(
        gateway,
        is_default=True,
        api_key=config.api_key,
        api_secret=config.api_secret,
        webhook_secret=config.webhook_secrets[0],
        api_base=config.api_base,
        options=dict(config.options),
    )


def make_affiliate(code: str, rate_basis_points: int) -> None:
    affiliate = make_user(Role.AFFILIATE)
    with transaction():
        profile = db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == affiliate.id)).one()
        profile.code, profile.rate_basis_points = code, rate_basis_points
