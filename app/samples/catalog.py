"""The services of the demo's shop."""

from dataclasses import dataclass, field

from sqlalchemy import select

from app.db import db
from app.models import Category, Service, ServiceTier


@dataclass(frozen=True, slots=True)
class SampleTier:
    name: str
    rupees: int
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleService:
    name: str
    category: Category
    rupees: int
    hours: int
    short_description: str
    description: str
    features: tuple[str, ...]
    tiers: tuple[SampleTier, ...] = field(default=())


SERVICES = (
    SampleService(
        "GST registration",
        Category.CA,
        2499,
        24,
        "Your GSTIN, applied for and followed up until it is issued.",
        "A chartered accountant prepares your application, files it on the GST portal, answers the officer's questions "
        "and sends you the certificate.",
        ("Application prepared and filed", "Answers to the officer's questions", "Certificate by email"),
        (
            SampleTier("Standard", 2499, ("Filed within 3 working days", "Email support")),
            SampleTier("Express", 4499, ("Filed within 1 working day", "Phone support", "First return included")),
        ),
    ),
    SampleService(
        "Income tax return",
        Category.CA,
        1499,
        24,
        "Your return prepared, checked with you and filed on time.",
        "An accountant goes through your Form 16, investments and other income, shows you the result and files the "
        "return once you agree.",
        ("Form 16 and investments checked", "Refund estimate before filing", "Filed and e-verified"),
        (
            SampleTier("Salaried", 1499, ("One Form 16", "House property income")),
            SampleTier("Investor", 2999, ("Shares and mutual funds", "Capital gains worked out")),
            SampleTier("Business", 6999, ("Books reviewed", "Presumptive or regular income", "Advance tax plan")),
        ),
    ),
    SampleService(
        "Company incorporation",
        Category.CA,
        9999,
        12,
        "A private limited company with PAN, TAN and bank-ready papers.",
        "From the name approval to the certificate: an accountant and a company secretary file everything with the "
        "registrar and hand you papers any bank accepts.",
        ("Name approval", "Digital signatures for two directors", "Certificate, PAN and TAN"),
        (
            SampleTier("Essential", 9999, ("Two directors", "Authorised capital up to ₹1 lakh")),
            SampleTier("Complete", 16999, ("Up to four directors", "GST registration", "First board papers")),
        ),
    ),
    SampleService(
        "Trademark registration",
        Category.LEGAL,
        6999,
        24,
        "Search, application and follow-up for one mark in one class.",
        "A trademark attorney searches the register, tells you the risk in plain words, files the application and "
        "answers the first examination report.",
        ("Search report in plain words", "Application in one class", "Reply to the first report"),
        (
            SampleTier("Word mark", 6999, ("Search and filing", "One class")),
            SampleTier("Word and logo", 11999, ("Two applications", "One class each", "Priority filing")),
        ),
    ),
    SampleService(
        "Rental agreement",
        Category.LEGAL,
        1299,
        8,
        "A fair agreement for your flat or office, ready to sign.",
        "A lawyer drafts the agreement from what you tell us, explains each clause on the phone and adds what your "
        "state asks for.",
        ("Drafted for your state", "One round of changes", "Stamp duty worked out"),
    ),
    SampleService(
        "Legal notice",
        Category.LEGAL,
        2999,
        12,
        "A firm letter from an advocate, sent by registered post.",
        "An advocate reads your papers, writes the notice, sends it by registered post and tells you what usually "
        "happens next.",
        ("Papers read by an advocate", "Sent by registered post", "Advice on the answer"),
    ),
    SampleService(
        "Bookkeeping, one month",
        Category.CA,
        3999,
        48,
        "A month of bills and bank statements, booked and reconciled.",
        "Send us bills and statements as they are. An accountant books them, reconciles the bank and sends a report "
        "you can read.",
        ("Up to 150 entries", "Bank reconciliation", "Profit and loss report"),
        (
            SampleTier("Up to 150 entries", 3999, ("One bank account",)),
            SampleTier("Up to 500 entries", 7999, ("Three bank accounts", "GST working")),
        ),
    ),
    SampleService(
        "Business plan review",
        Category.OTHER,
        4999,
        48,
        "An hour with someone who has read your numbers twice.",
        "A consultant reads plan and figures, sends written comments and goes through them with you in a call.",
        ("Written comments", "One hour's call", "Follow-up questions for a week"),
    ),
)


def add_services() -> list[Service]:
    """All of them, in the caller's transaction; those that exist by name stay as they are."""
    known = {service.name: service for service in db.session.scalars(select(Service))}
    return [known.get(sample.name) or _add(sample, position) for position, sample in enumerate(SERVICES, start=1)]


def _add(sample: SampleService, position: int) -> Service:
    service = Service(
        name=sample.name,
        description=sample.description,
        short_description=sample.short_description,
        category=sample.category,
        price_minor=sample.rupees * 100,
        currency="INR",
        features=list(sample.features),
        first_contact_hours=sample.hours,
        sort_order=position * 10,
        tiers=[_tier(tier, order) for order, tier in enumerate(sample.tiers, start=1)],
    )
    db.session.add(service)
    db.session.flush()
    return service


def _tier(sample: SampleTier, order: int) -> ServiceTier:
    return ServiceTier(
        name=sample.name, price_minor=sample.rupees * 100, features=list(sample.features), sort_order=order * 10
    )
