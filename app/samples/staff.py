"""The people of the demo: staff and partners to sign in as, and the providers who do the work."""

from sqlalchemy import select

from app.db import db
from app.models import AffiliateProfile, Category, ProviderProfile, ProviderSkill, Role, User
from app.workflows import accounts
from app.workflows.audit import COMMAND

STAFF = (
    ("admin@example.com", "Asha Admin", Role.ADMIN),
    ("operator@example.com", "Omar Operator", Role.OPERATOR),
    ("finance@example.com", "Farah Finance", Role.FINANCE),
    ("viewer@example.com", "Vijay Viewer", Role.VIEWER),
)
PROVIDERS = (
    ("provider@example.com", "Priya Raman", "Chartered accountant", 12, (Category.CA,)),
    ("arvind.rao@example.com", "Arvind Rao", "Chartered accountant", 15, (Category.CA, Category.OTHER)),
    ("meenal.shah@example.com", "Meenal Shah", "Company secretary", 10, (Category.CA,)),
    ("thomas.mathew@example.com", "Thomas Mathew", "Advocate", 12, (Category.LEGAL,)),
    ("nusrat.ali@example.com", "Nusrat Ali", "Trademark attorney", 8, (Category.LEGAL, Category.OTHER)),
)
AFFILIATE = ("affiliate@example.com", "Anand Affiliate", "FRIEND")


def add_people(password: str | None) -> None:
    """Everybody, in the caller's transaction; those who exist get the password, so that the printed one works.

    With no password nobody can sign in as them.
    """
    for email, name, role in STAFF:
        _person(email, name, role=role, password=password)
    add_providers(password)
    add_affiliate(password)


def add_affiliate(password: str | None) -> None:
    """With no password nobody can sign in as them."""
    email, name, code = AFFILIATE
    user = _person(email, name, role=Role.AFFILIATE, password=password)
    db.session.scalars(select(AffiliateProfile).where(AffiliateProfile.user_id == user.id)).one().code = code


def add_providers(password: str | None) -> None:
    """With no password nobody can sign in as one of them."""
    for email, name, title, capacity, categories in PROVIDERS:
        user = _person(email, name, role=Role.PROVIDER, password=password)
        profile = db.session.scalars(select(ProviderProfile).where(ProviderProfile.user_id == user.id)).one()
        if not profile.title:
            profile.title, profile.capacity = title, capacity
            profile.skills = [ProviderSkill(category=category) for category in categories]


def _person(email: str, name: str, *, role: Role, password: str | None) -> User:
    user = accounts.find_user(email)
    if user is None:
        return accounts.create_user(email, name, role=role, actor=COMMAND, password=password)
    if password is not None and not accounts.is_password_right(user, password):
        accounts.set_password(user, password)
    return user
