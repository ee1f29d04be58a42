"""Providers: the person, what they can do, how much of it, and what they have to do now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import selectinload

from app.admin import cells, provider_story
from app.admin.account_forms import start_account
from app.admin.filters import Control, Filter, Options, choice, enum_options, switch
from app.admin.forms import AdminForm
from app.admin.imports import ImportView
from app.admin.inline import Inline
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.admin.provider_forms import ProviderForm, fill_provider
from app.admin.provider_story import ProviderStory
from app.ages import when
from app.db import db
from app.errors import InvalidInput
from app.models import Availability, Category, ProviderProfile, ProviderSkill, Role, Service, User
from app.workflows import providers

_ROOM = ProviderProfile.capacity - ProviderProfile.open_work
# Without a division: a capacity of nothing is nobody's mistake.
_NEARLY = and_(_ROOM > 0, ProviderProfile.open_work * 5 >= ProviderProfile.capacity * 4)


def _skill_words(profile: ProviderProfile) -> str:
    names = [skill.category.label for skill in profile.skills if skill.category]
    names += sorted(skill.service.name for skill in profile.skills if skill.service)
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown or "None: gets no work by rule"


def _services() -> Options:
    rows: Sequence[tuple[UUID, str]] = [
        (key, name) for key, name in db.session.execute(select(Service.id, Service.name).order_by(Service.name))
    ]
    return tuple((str(key), name) for key, name in rows)


def _can_do(value: str) -> ColumnElement[bool]:
    """Skilled in the service itself, or in all of its category."""
    category = select(Service.category).where(Service.id == UUID(value)).scalar_subquery()
    return ProviderProfile.skills.any(or_(ProviderSkill.service_id == UUID(value), ProviderSkill.category == category))


def _has_account(is_enabled: bool) -> ColumnElement[bool]:
    return ProviderProfile.user.has(User.is_enabled.is_(is_enabled))


def _knows(value: str) -> ColumnElement[bool]:
    return ProviderProfile.skills.any(ProviderSkill.category == Category(value))


_FILTERS = (
    Filter(Control("skill", "Can do"), _can_do, _services),
    Filter(Control("category", "Knows all of", options=enum_options(Category), verb=""), _knows),
    choice("availability", "Availability", ProviderProfile.availability, options=enum_options(Availability)),
    switch(
        "load",
        "Load",
        {
            "free": ("below capacity", _ROOM > 0),
            "idle": ("nothing to do", ProviderProfile.open_work == 0),
            "nearly": ("nearly full", _NEARLY),
            "full": ("full", _ROOM <= 0),
            "over": ("too much", _ROOM < 0),
        },
    ),
    switch("account", "Account", {"on": ("active", _has_account(True)), "off": ("closed", _has_account(False))}),
)


class ProviderView(ImportView):
    noun = "provider"
    import_kind = "providers"
    form = ProviderForm
    list_template = "admin/providers/list.html"
    details_template = "admin/providers/details.html"
    edit_permission = Permission.MANAGE_CATALOGUE
    create_label = "New provider"
    empty = "Nobody can be assigned yet. Make the first provider."
    search_label = "Name or email contains"
    filters = _FILTERS
    options = (selectinload(ProviderProfile.skills).joinedload(ProviderSkill.service),)
    orders = {
        "newest": Order(ProviderProfile.created_at, ProviderProfile.id),
        "busiest": Order(ProviderProfile.open_work, ProviderProfile.id),
        "idlest": Order(ProviderProfile.open_work, ProviderProfile.id, descending=False),
    }

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.inlines = {
            "capacity": Inline(
                "Open requests at most",
                text=lambda row: str(row.capacity),
                shown=lambda row: f"{row.capacity:,}",
                change=_set_capacity,
                hint="The rule gives nobody more than this; a person may.",
            ),
            "availability": Inline(
                "Availability",
                text=lambda row: row.availability.value,
                shown=lambda row: row.availability.label,
                change=_set_availability,
                options=tuple((each.value, each.label.lower()) for each in Availability),
                states={each.value: each.value for each in Availability},
            ),
        }
        self.columns = (
            Column("Name", lambda row: row.user.name),
            Column("Availability", self.cell("availability"), lambda row: row.availability.label),
            Column(
                "Open work", self.load, lambda row: f"{row.open_work} of {row.capacity}", sorts=("idlest", "busiest")
            ),
            Column("Skills", _skill_words, css="wrap"),
            Column("Title", lambda row: row.title, is_listed=False),
            Column("Email", lambda row: row.user.email),
            Column("Last assigned", cells.moment(lambda row: row.last_assigned_at), lambda row: row.last_assigned_at),
            Column("Account", _account, lambda row: row.user.is_enabled),
        )
        super().__init__(*arguments, **more)

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        named = or_(User.name.icontains(text, autoescape=True), User.email.icontains(text, autoescape=True))
        people = select(User.id).where(User.role == Role.PROVIDER, named)
        return query.where(ProviderProfile.user_id.in_(people))

    # --- what is shown

    def row_address(self, row: ProviderProfile) -> str:
        return str(self.get_url(".details_view", id=row.id))

    def load(self, row: ProviderProfile) -> Markup:
        """As words and as a bar, with the capacity to change."""
        return cells.partial_page(
            "admin/providers/load.html",
            row=row,
            capacity=self.show_cell(row, "capacity"),
            words=providers.load_words(row),
        )

    def facts(self, row: ProviderProfile) -> Sequence[tuple[str, object]]:
        return [
            ("Title", row.title),
            ("Email", row.user.email),
            ("Availability", self.show_cell(row, "availability", in_form=False)),
            ("Open work", self.load(row)),
            ("Skilled in everything of", ", ".join(each.category.label for each in row.skills if each.category)),
            ("And in", ", ".join(sorted(each.service.name for each in row.skills if each.service))),
            ("Last assigned", when(row.last_assigned_at)),
            ("Account", _account(row)),
        ]

    def story_of(self, row: ProviderProfile) -> ProviderStory:
        return provider_story.tell(row, shows_personal=self.may(Permission.READ_PERSONAL_CHANGES))

    # --- changes

    def snapshot(self, row: ProviderProfile) -> Mapping[str, object]:
        return providers.picture(row)

    def create_form(self, obj: Any = None) -> AdminForm:
        form: ProviderForm = super().create_form(obj)
        if not form.is_submitted():
            form.capacity.data, form.is_enabled.data = 10, True
        return form

    def edit_form(self, obj: Any = None) -> AdminForm:
        form = super().edit_form(obj)
        if not form.is_submitted():
            for name, value in self.snapshot(obj).items():
                form[name].data = value
        return form

    def start_row(self, form: AdminForm) -> ProviderProfile:
        assert isinstance(form, ProviderForm)
        user = start_account(form, Role.PROVIDER)
        return ProviderProfile(user_id=user.id, user=user)

    def fill(self, row: ProviderProfile, form: AdminForm) -> None:
        assert isinstance(form, ProviderForm)
        fill_provider(row, form, actor=self.actor)

    def get_save_return_url(self, model: ProviderProfile, is_created: bool = False) -> str:
        return self.row_address(model)


def _account(row: ProviderProfile) -> Markup:
    return cells.switch(row.user.is_enabled, off="Closed")


def _set_capacity(row: ProviderProfile, text: str) -> None:
    row.capacity = providers.parse_capacity(text)


def _set_availability(row: ProviderProfile, text: str) -> None:
    if text not in set(Availability):
        raise InvalidInput("Choose available or away.")
    row.availability = Availability(text)
