"""Affiliates: who sends customers, what came of it, and what is owed for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Select, or_, select

from app.admin import cells
from app.admin.account_forms import fill_account, start_account
from app.admin.affiliate_forms import AffiliateForm
from app.admin.base import ConsoleView
from app.admin.filters import switch
from app.admin.forms import AdminForm
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.ages import exact
from app.db import db
from app.errors import NotFound
from app.kit import clock
from app.kit.money import Money, format_percent
from app.models import AffiliateProfile, Role, User
from app.workflows import affiliate_figures, affiliate_months, affiliate_terms, unknown_codes
from app.workflows.affiliate_figures import Balance, Traffic

LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class AffiliateRow:
    """An affiliate with the figures of the page: the visits of late, one balance for each currency."""

    profile: AffiliateProfile
    traffic: Traffic
    balances: Sequence[Balance]

    @property
    def id(self) -> UUID:
        return self.profile.id

    @property
    def user(self) -> User:
        return self.profile.user

    def __str__(self) -> str:
        return self.user.name


def _sums(name: str) -> Mapping[str, Any]:
    """A cell of money, and how an export says it: there may be several currencies."""

    def amounts(row: AffiliateRow) -> list[Money]:
        return [getattr(balance, name) for balance in row.balances]

    return {
        "cell": lambda row: Markup("<br>").join(cells.money(amount) for amount in amounts(row)),
        "text": lambda row: "; ".join(f"{amount.decimal} {amount.currency}" for amount in amounts(row)),
        "css": "number",
    }


class AffiliateView(ConsoleView):
    noun = "affiliate"
    form = AffiliateForm
    edit_permission = Permission.MANAGE_AFFILIATES
    list_template = "admin/affiliates/list.html"
    details_template = "admin/affiliates/details.html"
    create_label = "New affiliate"
    intro = f"Clicks, purchases and conversion are of the last {LATELY.days} days; the money is of all time."
    empty = "Nobody sends customers yet. Make the first affiliate: they get a code for their links."
    search_label = "Code, name or email begins with"
    orders = {
        "newest": Order(AffiliateProfile.created_at, AffiliateProfile.id),
        "oldest": Order(AffiliateProfile.created_at, AffiliateProfile.id, descending=False),
        "code": Order(AffiliateProfile.code, AffiliateProfile.id, descending=False),
        "code_down": Order(AffiliateProfile.code, AffiliateProfile.id),
    }
    columns = (
        Column("Name", lambda row: row.user.name),
        Column("Email", lambda row: row.user.email, is_listed=False),
        Column(
            "Code", lambda row: cells.mono(row.profile.code), lambda row: row.profile.code, sorts=("code", "code_down")
        ),
        Column("Rate", lambda row: f"{format_percent(row.profile.rate_basis_points)} %", css="number"),
        Column("Clicks", lambda row: f"{row.traffic.clicks:,}", lambda row: row.traffic.clicks, "number"),
        Column("Purchases", lambda row: f"{row.traffic.purchases:,}", lambda row: row.traffic.purchases, "number"),
        Column("Conversion", lambda row: row.traffic.conversion, css="number"),
        Column("Earned", **_sums("earned")),
        Column("Taken back", **_sums("adjusted")),
        Column("Paid", **_sums("paid")),
        Column("Due", **_sums("due")),
        Column("Code works", lambda row: cells.switch(row.profile.is_active), lambda row: row.profile.is_active),
        Column(
            "Joined",
            cells.moment(lambda row: row.profile.created_at),
            lambda row: exact(row.profile.created_at),
            "number",
            sorts=("oldest", "newest"),
        ),
    )
    filters = (
        switch(
            "code",
            "Code",
            {
                "on": ("active", AffiliateProfile.is_active.is_(True)),
                "off": ("off", AffiliateProfile.is_active.is_(False)),
            },
        ),
    )

    def shown(self, rows: Sequence[AffiliateProfile]) -> Sequence[AffiliateRow]:
        keys, now = [row.user_id for row in rows], clock.utc_now()
        balances = affiliate_figures.balances(keys, now)
        traffic = affiliate_figures.traffic(keys, since=now - LATELY)
        # Of who has earned nothing yet: a sum too.
        usual = affiliate_months.usual_currency()
        known = {key: balances.get(key) or [Balance(key, usual)] for key in keys}
        return [AffiliateRow(row, traffic[row.user_id], known[row.user_id]) for row in rows]

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        readings = [column.istartswith(text, autoescape=True) for column in (User.email, User.name)]
        named = select(User.id).where(User.role == Role.AFFILIATE, or_(*readings))
        by_code = AffiliateProfile.code.istartswith(text, autoescape=True)
        return query.where(or_(by_code, AffiliateProfile.user_id.in_(named)))

    def row_address(self, row: Any) -> str:
        return str(self.get_url(".details_view", id=row.id))

    def title_of(self, row: AffiliateProfile) -> str:
        return row.user.name

    def facts(self, row: AffiliateProfile) -> Sequence[tuple[str, object]]:
        ever = affiliate_figures.traffic([row.user_id])[row.user_id]
        lately = affiliate_figures.traffic([row.user_id], since=clock.utc_now() - LATELY)[row.user_id]
        return [
            ("Email", row.user.email),
            ("Code", cells.mono(row.code)),
            ("Purchases earn", cells.switch(row.is_active, on="Yes", off="No: the code is off")),
            ("Account", cells.switch(row.user.is_enabled, off="Closed")),
            ("Rate", f"{format_percent(row.rate_basis_points)} %"),
            ("Other rates", _other_rates(row.user_id)),
            (f"The last {LATELY.days} days", _traffic_words(lately)),
            ("Ever", _traffic_words(ever)),
            ("Joined", exact(row.created_at)),
        ]

    def balances(self, row: AffiliateProfile) -> Sequence[Balance]:
        return affiliate_figures.balances([row.user_id], clock.utc_now()).get(row.user_id, ())

    @property
    def may_pay_out(self) -> bool:
        return self.may(Permission.PAY_OUT)

    @expose("/user/<uuid:key>")
    def of_user(self, key: UUID) -> ResponseReturnValue:
        """For whoever knows only the account."""
        profile_id = db.session.scalar(select(AffiliateProfile.id).where(AffiliateProfile.user_id == key))
        if profile_id is None:
            raise NotFound("This affiliate does not exist.")
        return redirect(self.get_url(".details_view", id=profile_id))

    @expose("/unknown")
    def unknown(self) -> ResponseReturnValue:
        """Codes that visitors and buyers brought along and that count for nobody."""
        return self.render("admin/affiliates/unknown.html", codes=unknown_codes.recent())

    # --- the form

    def snapshot(self, row: AffiliateProfile) -> Mapping[str, object]:
        rates = affiliate_terms.rates_of(row.user_id)
        return {
            "name": row.user.name,
            "email": row.user.email,
            "is_enabled": row.user.is_enabled,
            "code": row.code,
            "rate": row.rate_basis_points,
            "is_active": row.is_active,
            "rates": {str(key): rate for key, rate in sorted(rates.items())},
        }

    def create_form(self, obj: Any = None) -> AdminForm:
        form: AffiliateForm = super().create_form(obj)
        if not form.is_submitted():
            form.rate.data, form.is_active.data, form.is_enabled.data = 1000, True, True
        return form

    def edit_form(self, obj: Any = None) -> AdminForm:
        form = super().edit_form(obj)
        if not form.is_submitted():
            values = {**self.snapshot(obj), "rates": affiliate_terms.rates_of(obj.user_id)}
            for name, value in values.items():
                form[name].data = value
        return form

    def start_row(self, form: AdminForm) -> AffiliateProfile:
        assert isinstance(form, AffiliateForm)
        user = start_account(form, Role.AFFILIATE)
        return AffiliateProfile(user_id=user.id, user=user, code="")

    def fill(self, row: AffiliateProfile, form: AdminForm) -> None:
        assert isinstance(form, AffiliateForm)
        affiliate_terms.set_code(row, form.code.data or "")
        fill_account(row.user, form, actor=self.actor)
        row.rate_basis_points = form.rate.data or 0
        row.is_active = bool(form.is_active.data)
        affiliate_terms.set_rates(row.user_id, form.rates.data or {})


def _traffic_words(traffic: Traffic) -> str:
    return f"{traffic.clicks:,} clicks, {traffic.purchases:,} paid purchases, conversion {traffic.conversion}"


def _other_rates(affiliate_id: UUID) -> str:
    named = affiliate_terms.named_rates(affiliate_id)
    return ", ".join(f"{name} {format_percent(rate)} %" for name, rate in named) or "none"
