"""The console: Flask-Admin as the frame, with pages, lists and looks of our own."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Theme

from app.admin.catalog import ServiceView, TierView
from app.admin.gateways import GatewayView
from app.admin.home import Home
from app.admin.letter_templates import LetterTemplateView
from app.admin.notifications import NotificationView
from app.admin.palette import PaletteView
from app.admin.payments import PaymentView
from app.admin.providers import ProviderView
from app.admin.request_page import RequestView
from app.admin.users import UserView
from app.admin.webhook_events import WebhookEventView
from app.db import db
from app.models import (
    GatewayConfig,
    Notification,
    Payment,
    ProviderProfile,
    Service,
    ServiceRequest,
    ServiceTier,
    User,
    WebhookEvent,
)


def init_app(app: Flask) -> None:
    # No folder of that name exists in the library: none of its stock pages, scripts and styles is ever served.
    theme = Theme(folder="none", base_template="admin/frame.html")
    console = Admin(name="Counterfoil", index_view=Home(name="Today", category="Work"), theme=theme)
    # In the order in which people work, by job.
    console.add_views(
        RequestView(ServiceRequest, db, name="Requests", category="Work", endpoint="requests"),
        NotificationView(Notification, db, name="Messages", category="Work", endpoint="notifications"),
        PaymentView(Payment, db, name="Payments", category="Money", endpoint="payments"),
        WebhookEventView(WebhookEvent, db, name="Gateway messages", category="Money", endpoint="webhook_events"),
        GatewayView(GatewayConfig, db, name="Gateways", category="Money", endpoint="gateways"),
        ServiceView(Service, db, name="Services", category="Catalogue", endpoint="services"),
        TierView(ServiceTier, db, name="Tiers", category="Catalogue", endpoint="tiers"),
        ProviderView(ProviderProfile, db, name="Providers", category="People", endpoint="providers"),
        LetterTemplateView(name="Message templates", category="System"),
        UserView(User, db, name="Accounts", category="System", endpoint="users"),
        PaletteView(name="Search or jump"),
    )
    console.init_app(app)
