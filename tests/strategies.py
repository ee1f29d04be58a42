"""What customers may be and buy, for Hypothesis."""

from typing import Any

from hypothesis import strategies as st

from app.kit.contact import parse_email
from app.workflows.purchase import Customer

_WRITTEN = st.characters(categories=("L", "M", "N", "P", "S", "Zs"))
_ATOM = st.text("abcdefghijklmnopqrstuvwxyz0123456789_+-", min_size=1, max_size=20)


def names() -> st.SearchStrategy[str]:
    return st.text(_WRITTEN, min_size=1, max_size=60).map(lambda text: " ".join(text.split())).filter(bool)


def emails() -> st.SearchStrategy[str]:
    local = st.lists(_ATOM, min_size=1, max_size=2).map(".".join)
    domain = st.from_regex(r"[a-z][a-z0-9]{0,15}\.(org|in|co\.in)", fullmatch=True)
    return st.tuples(local, domain).map("@".join).map(parse_email)


def phones() -> st.SearchStrategy[str]:
    """Indian mobile numbers, in E.164."""
    return st.from_regex(r"\+917[0-9]{9}", fullmatch=True)


def requirements() -> st.SearchStrategy[str]:
    lines = st.lists(names(), min_size=1, max_size=4)
    long = st.tuples(names(), st.integers(10, 80)).map(lambda drawn: " ".join([drawn[0]] * drawn[1]))
    return st.one_of(lines.map("\n".join), long, names().map(lambda name: name.replace(" ", "") * 40))


def customers() -> st.SearchStrategy[Customer]:
    return st.builds(Customer, full_name=names(), email=emails(), phone=phones(), requirements=requirements())


def prices() -> st.SearchStrategy[int]:
    """In minor units."""
    return st.integers(100, 99_999_999_99)


def offers() -> st.SearchStrategy[dict[str, Any]]:
    """What a service costs, for `make_service`; with a hundred minor units, none or a thousand."""
    return st.fixed_dictionaries({"price_minor": prices(), "currency": currencies()})


def currencies() -> st.SearchStrategy[str]:
    return st.sampled_from(["INR", "USD", "JPY", "KWD"])
