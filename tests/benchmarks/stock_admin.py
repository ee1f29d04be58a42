"""What one gets over the same tables from Flask-Admin as it comes: plain views, its own templates, its own saving.

It is there to be measured against, so it is set up as well as its documentation allows: filters, search, editable
cells, details, exports, choices for states, forms with the fields that are needed. What its documentation does not
offer is not written here, as that would no longer be stock.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.filters import DateTimeBetweenFilter, FilterEmpty, FilterEqual
from flask_admin.form import DateTimeField
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from wtforms import StringField, TextAreaField

from app.config import Settings
from app.models import (
    Availability,
    Category,
    GatewayConfig,
    Notification,
    NotificationStatus,
    Payment,
    PaymentStatus,
    ProviderProfile,
    ProviderSkill,
    Refund,
    RefundStatus,
    RequestStatus,
    Role,
    Service,
    ServiceRequest,
    ServiceTier,
    User,
    WebhookEvent,
)


def make_stock_admin(settings: Settings) -> Flask:
    """An application of its own over the database of `settings`; nobody has to sign in."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY=settings.secret_key, FLASK_ADMIN_RAISE_ON_VIEW_EXCEPTION=True)
    session = _session(settings.database_url)
    app.teardown_appcontext(lambda _error: session.remove())
    admin = Admin(app, name="Stock")
    for view, model in _VIEWS.items():
        admin.add_view(view(model, session))
    return app


def _session(url: str) -> Any:
    """Ours refuses changes outside a `transaction()`; the stock views know nothing of it."""
    driver = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(driver)
    return scoped_session(sessionmaker(engine, class_=Session, info={"run_after_commit": []}))


def _choices(members: Any) -> list[tuple[str, str]]:
    return [(member.value, member.label if hasattr(member, "label") else member.value) for member in members]


def _is(column: Any, label: str, members: Any) -> FilterEqual:
    return FilterEqual(column, label, options=_choices(members))


class _Between(DateTimeBetweenFilter):
    """Our times have their zone."""

    def clean(self, value: Any) -> list[datetime]:
        return [moment.replace(tzinfo=UTC) for moment in super().clean(value)]


class _Moment(DateTimeField):
    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        self.data = self.data and self.data.replace(tzinfo=UTC)


class _View(ModelView):
    can_view_details = True
    can_export = True
    can_set_page_size = True
    page_size = 50

    def get_one(self, id: Any) -> Any:  # noqa: A002 - the library's name
        return self.session.get(self.model, UUID(id))


class _Requests(_View):
    column_list = (
        "reference_number",
        "customer_name",
        "customer_email",
        "service_name",
        "tier_name",
        "created_at",
        "amount_minor",
        "payment_status",
        "status",
        "provider",
    )
    column_default_sort = ("created_at", True)
    column_sortable_list = ("reference_number", "created_at", "amount_minor", "status")
    column_searchable_list = ("reference_number", "customer_email", "customer_name", "payment_transaction_id")
    column_editable_list = ("status", "provider")
    column_filters = (
        _is(ServiceRequest.status, "Status", RequestStatus),
        _is(ServiceRequest.payment_status, "Payment", PaymentStatus),
        _Between(ServiceRequest.created_at, "Bought"),
        FilterEmpty(ServiceRequest.assigned_provider_id, "Provider", options=[("1", "Yes"), ("0", "No")]),
        "reference_number",
        "service_name",
    )
    form_columns = ("status", "provider", "payment_status")
    form_choices = {"status": _choices(RequestStatus), "payment_status": _choices(PaymentStatus)}


class _Payments(_View):
    column_list = (
        "service_request",
        "gateway",
        "amount_minor",
        "refunded_minor",
        "status",
        "gateway_payment_id",
        "error_code",
        "created_at",
        "next_check_at",
    )
    column_default_sort = ("created_at", True)
    column_searchable_list = ("gateway_payment_id", "gateway_intent_id", "bank_reference")
    column_filters = (_is(Payment.status, "Status", PaymentStatus), "gateway", "error_code")
    form_columns = ("status", "refunded_minor")
    form_choices = {"status": _choices(PaymentStatus)}


class _Refunds(_View):
    column_list = ("payment_id", "gateway", "amount_minor", "status", "created_at")
    form_columns = ("payment", "gateway", "amount_minor", "currency", "status")
    form_choices = {"status": _choices(RefundStatus)}


class _Notifications(_View):
    column_list = ("kind", "recipient", "service_request", "status", "attempts", "last_error", "created_at")
    column_default_sort = ("created_at", True)
    column_filters = (_is(Notification.status, "Status", NotificationStatus), "kind")
    column_editable_list = ("status",)
    form_columns = ("status", "attempts", "next_attempt_at")
    form_overrides = {"next_attempt_at": _Moment}
    form_choices = {"status": _choices(NotificationStatus)}


class _Services(_View):
    column_list = ("name", "category", "price_minor", "currency", "sort_order", "is_active")
    column_searchable_list = ("name",)
    column_filters = (_is(Service.category, "Category", Category), "is_active")
    column_editable_list = ("price_minor", "sort_order", "is_active")
    form_columns = (
        "name",
        "category",
        "short_description",
        "description",
        "price_minor",
        "currency",
        "first_contact_hours",
        "sort_order",
        "is_active",
    )
    form_overrides = {"short_description": StringField, "description": TextAreaField}
    form_choices = {"category": _choices(Category)}


class _Tiers(_View):
    column_list = ("service", "name", "price_minor", "sort_order", "is_active")
    column_searchable_list = ("name",)
    column_editable_list = ("price_minor", "sort_order", "is_active")
    form_columns = ("service", "name", "price_minor", "sort_order", "is_active")


class _Users(_View):
    column_list = ("name", "email", "role", "is_enabled", "last_sign_in_at")
    column_searchable_list = ("name", "email")
    column_filters = (_is(User.role, "Role", Role), "is_enabled")
    form_columns = ("name", "email", "role", "is_enabled")
    form_choices = {"role": _choices(Role)}


class _Providers(_View):
    column_list = ("user", "title", "availability", "open_work", "capacity")
    column_filters = (_is(ProviderProfile.availability, "Availability", Availability),)
    column_editable_list = ("capacity", "title")
    form_columns = ("user", "title", "capacity", "availability")
    form_choices = {"availability": _choices(Availability)}
    inline_models = (
        (
            ProviderSkill,
            {"form_columns": ("id", "category", "service"), "form_choices": {"category": _choices(Category)}},
        ),
    )


class _WebhookEvents(_View):
    can_create = can_edit = can_delete = False
    column_list = ("gateway", "event_id", "kind", "outcome", "created_at")
    column_filters = ("gateway", "kind")


class _Gateways(_View):
    can_create = False
    column_list = ("gateway", "mode", "is_active", "is_default")
    form_columns = ("mode", "is_active", "is_default")


_VIEWS = {
    _Requests: ServiceRequest,
    _Payments: Payment,
    _Refunds: Refund,
    _Notifications: Notification,
    _WebhookEvents: WebhookEvent,
    _Gateways: GatewayConfig,
    _Services: Service,
    _Tiers: ServiceTier,
    _Providers: ProviderProfile,
    _Users: User,
}
