"""The console: Flask-Admin as the frame, with pages, lists and looks of our own."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Theme

from app.admin import cells, fragments, request_cells
from app.admin.affiliates import AffiliateView
from app.admin.audit_log import AuditView
from app.admin.bulk_changes import BulkChangeView
from app.admin.catalog import ServiceView
from app.admin.commissions import CommissionView
from app.admin.customers import CustomerView
from app.admin.disputes import DisputeView
from app.admin.flags import FlagView
from app.admin.gateways import GatewayView
from app.admin.home import Home
from app.admin.letter_templates import LetterTemplateView
from app.admin.looks import LookView
from app.admin.notifications import NotificationView
from app.admin.palette import PaletteView
from app.admin.payments import PaymentView
from app.admin.payouts import PayoutView
from app.admin.providers import ProviderView
from app.admin.queue_page import QueueView
from app.admin.refunds import RefundView
from app.admin.request_page import RequestView
from app.admin.roles import RoleView
from app.admin.tiers import TierView
from app.admin.tokens import TokenView
from app.admin.users import UserView
from app.admin.webhook_events import WebhookEventView
from app.admin.working_hours import WorkingHoursView
from app.db import db
from app.kit.money import Money
from app.models import (
    AffiliateProfile,
    AuditEntry,
    BulkChange,
    CommissionEntry,
    Dispute,
    GatewayConfig,
    Look,
    Notification,
    Payment,
    Payout,
    ProviderProfile,
    Refund,
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
    tiers = TierView(ServiceTier, db, name="Tiers", category="Catalogue", endpoint="tiers")
    # In the order in which people work, by job.
    console.add_views(
        RequestView(ServiceRequest, db, name="Requests", category="Work", endpoint="requests"),
        BulkChangeView(BulkChange, db, name="Bulk changes", category="Work", endpoint="bulk_changes"),
        NotificationView(Notification, db, name="Messages", category="Work", endpoint="notifications"),
        PaymentView(Payment, db, name="Payments", category="Money", endpoint="payments"),
        RefundView(Refund, db, name="Refunds", category="Money", endpoint="refunds"),
        DisputeView(Dispute, db, name="Disputes", category="Money", endpoint="disputes"),
        CommissionView(CommissionEntry, db, name="Commissions", category="Money", endpoint="commissions"),
        PayoutView(Payout, db, name="Payouts", category="Money", endpoint="payouts"),
        WebhookEventView(WebhookEvent, db, name="Gateway messages", category="Money", endpoint="webhook_events"),
        GatewayView(GatewayConfig, db, name="Gateways", category="Money", endpoint="gateways"),
        ServiceView(Service, db, name="Services", category="Catalogue", endpoint="services", tiers=tiers),
        tiers,
        ProviderView(ProviderProfile, db, name="Providers", category="People", endpoint="providers"),
        LetterTemplateView(name="Message templates", category="System"),
        AffiliateView(AffiliateProfile, db, name="Affiliates", category="People", endpoint="affiliates"),
        QueueView(name="Queue", category="System", endpoint="queue", url="/admin/queue"),
        WorkingHoursView(name="Working hours", category="System", endpoint="working_hours", url="/admin/working_hours"),
        UserView(User, db, name="Accounts", category="System", endpoint="users"),
        TokenView(name="API tokens", category="System", endpoint="tokens", url="/admin/tokens"),
        RoleView(name="Roles", category="System", endpoint="roles", url="/admin/roles"),
        FlagView(name="Feature flags", category="System", endpoint="flags", url="/admin/flags"),
        CustomerView(name="Customer data", category="System", endpoint="customers", url="/admin/customers"),
        AuditView(AuditEntry, db, name="Audit log", category="System", endpoint="audit"),
        LookView(Look, db, name="Who looked", category="System", endpoint="looks"),
        PaletteView(name="Search or jump"),
    )
    console.init_app(app)
    app.add_template_filter(cells.gateway_name)
    app.add_template_filter(fragments.once)
    app.add_template_filter(Money, "amount_in")
    app.add_template_global(request_cells.rows_of)
