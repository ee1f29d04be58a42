"""What people type into the checkout form, right and wrong."""

from typing import Any

from hypothesis import strategies as st

from app.models import Service
from tests.strategies import emails, names, phones, requirements

FIELDS = ("full_name", "email", "phone", "requirements")
_BLANK = st.text(" \t\u00a0", max_size=3)
_UNUSUAL = st.text(max_size=30)


def right_phones() -> st.SearchStrategy[str]:
    """The same numbers as people write them."""
    written = st.sampled_from(
        ["{0}", "+91{0}", "+91 {1} {2}", "0{0}", "{1}-{2}", "+91-{0}", "  {0} ", "+44 20 7946 0958", "+1 212 555 0123"]
    )
    return st.builds(lambda number, how: how.format(number[3:], number[3:8], number[8:]), phones(), written)


def wrong_phones() -> st.SearchStrategy[str]:
    too_short = st.text("0123456789", min_size=1, max_size=6)
    too_long = st.text("123456789", min_size=17, max_size=30)
    letters = st.text("abcdefgxyz", min_size=1, max_size=12)
    return st.one_of(too_short, too_long, letters, st.just("+91 00000 00000"), st.just("98765 43210 ext 5"))


def wrong_emails() -> st.SearchStrategy[str]:
    return st.one_of(
        emails().map(lambda address: address.replace("@", "")),
        emails().map(lambda address: address.replace("@", "@@")),
        emails().map(lambda address: address.partition("@")[0] + "@"),
        emails().map(lambda address: "@" + address.partition("@")[2]),
        emails().map(lambda address: address.replace("@", "@-")),
        emails().map(lambda address: address + "."),
        emails().map(lambda address: address.replace("@", " @ ")),
        emails().map(lambda address: "a" * 260 + address),
    )


def answers() -> st.SearchStrategy[tuple[dict[str, str], set[str]]]:
    """Values for the four fields, and the names of those that are wrong."""
    judged = {
        "full_name": _judged(names(), st.one_of(_BLANK, st.just("x" * 201))),
        "email": _judged(emails(), st.one_of(_BLANK, wrong_emails())),
        "phone": _judged(right_phones(), st.one_of(_BLANK, wrong_phones())),
        "requirements": _judged(requirements(), st.one_of(_BLANK, st.just("x" * 5001))),
    }
    return st.fixed_dictionaries(judged).map(
        lambda fields: (
            {name: value for name, (value, _) in fields.items()},
            {name for name, (_, is_right) in fields.items() if not is_right},
        )
    )


def anything() -> st.SearchStrategy[dict[str, str]]:
    """Whatever somebody may paste."""
    text = st.one_of(_UNUSUAL, names(), emails(), right_phones(), wrong_phones(), _BLANK)
    return st.fixed_dictionaries(dict.fromkeys(FIELDS, text))


def right_answers(service: Service, **changes: Any) -> dict[str, Any]:
    """A form that is valid as it stands, with the first tier."""
    tiers = service.active_tiers
    fields = {
        "full_name": "Kavya Iyer",
        "email": "kavya.iyer@example.org",
        "phone": "70000 12345",
        "requirements": "Please call me after 4 pm.",
        "submission": "page-token-1",
        "tier": str(tiers[0].id) if tiers else None,
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def _judged(right: st.SearchStrategy[str], wrong: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, bool]]:
    return st.one_of(right.map(lambda text: (text, True)), wrong.map(lambda text: (text, False)))
