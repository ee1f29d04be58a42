"""Feature flags: off, named accounts, a share of visitors, on; the same for one visitor each time."""

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import transaction
from app.errors import InvalidInput, NotFound, StaleChange
from app.models import AuditEntry, FeatureFlag, FlagState, Role
from app.workflows import flags
from app.workflows.audit import actor_of
from app.workflows.flags import FLAGS, PURCHASE, Setting, Visitor
from tests.factories import make_user
from tests.threads import at_once

KEYS = st.text(min_size=1, max_size=40)


@pytest.fixture
def admin(session):
    return actor_of(make_user(Role.ADMIN))


def change(wanted, actor, *, name=PURCHASE, seen=None):
    with transaction():
        before = flags.setting(name)
        flags.change(name, wanted, seen=flags.fingerprint(before) if seen is None else seen, actor=actor)


def test_a_flag_that_nobody_changed_is_as_it_was_delivered(session):
    assert flags.settings() == {flag.name: Setting(flag.state) for flag in FLAGS}
    assert flags.is_on(PURCHASE, Visitor())
    with pytest.raises(NotFound):
        flags.setting("no_such_flag")


def test_off_is_off_for_everybody_and_on_is_on(session, admin):
    visitors = [Visitor(), Visitor(key="k"), Visitor(email="operator@example.com")]
    change(Setting(FlagState.OFF), admin)
    assert not any(flags.is_on(PURCHASE, visitor) for visitor in visitors)
    change(Setting(FlagState.ON), admin)
    assert all(flags.is_on(PURCHASE, visitor) for visitor in visitors)


def test_named_accounts_have_it_and_nobody_else(session, admin):
    named, other = make_user(Role.OPERATOR), make_user(Role.OPERATOR)
    change(Setting(FlagState.USERS, emails=(f" {named.email.upper()} ", named.email)), admin)
    assert flags.setting(PURCHASE).emails == (named.email,)
    assert flags.is_on(PURCHASE, Visitor(email=named.email))
    assert not flags.is_on(PURCHASE, Visitor(email=other.email))
    assert not flags.is_on(PURCHASE, Visitor(key="anybody"))


@given(key=KEYS, percent=st.integers(0, 100), more=st.integers(0, 100))
def test_who_has_one_of_a_share_keeps_it_when_the_share_grows(key, percent, more):
    had = flags.is_on(PURCHASE, Visitor(key=key), Setting(FlagState.PERCENT, percent))
    assert flags.is_on(PURCHASE, Visitor(key=key), Setting(FlagState.PERCENT, percent)) is had
    if had:
        assert flags.is_on(PURCHASE, Visitor(key=key), Setting(FlagState.PERCENT, min(100, percent + more)))
    assert flags.is_on(PURCHASE, Visitor(key=key), Setting(FlagState.PERCENT, 100))
    assert not flags.is_on(PURCHASE, Visitor(key=key), Setting(FlagState.PERCENT, 0))


@given(percent=st.integers(0, 100), more=st.integers(0, 100), salt=st.integers(0, 2**32))
def test_any_share_is_about_that_share_and_grows_without_losing_anybody(percent, more, salt):
    visitors = [Visitor(key=f"{salt}-{number}") for number in range(400)]

    def chosen(share):
        known = Setting(FlagState.PERCENT, share)
        return {visitor.key for visitor in visitors if flags.is_on(PURCHASE, visitor, known)}

    # Six standard deviations of a fair draw: by chance one of a hundred million is further off.
    bound = 6 * (400 * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(len(chosen(percent)) - 4 * percent) <= bound
    assert chosen(percent) <= chosen(min(100, percent + more))


def test_a_share_is_about_that_share_and_another_one_for_each_flag():
    keys = [f"visitor-{number}" for number in range(2000)]
    shares = {flag.name: {key for key in keys if flags.share_of(flag.name, key) < 30} for flag in FLAGS}
    assert all(500 < len(chosen) < 700 for chosen in shares.values())
    first, second, *_ = shares.values()
    assert len(first & second) < 300


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Setting(FlagState.PERCENT, 101), "0 to 100"),
        (Setting(FlagState.PERCENT, -1), "0 to 100"),
        (Setting(FlagState.USERS), "at least one"),
        (Setting(FlagState.USERS, emails=("nobody@example.com",)), "nobody@example.com"),
        (Setting(FlagState.USERS, emails=tuple(f"p{number}@example.com" for number in range(51))), "up to 50"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(session, admin, wanted, told):
    with pytest.raises(InvalidInput, match=told):
        change(wanted, admin)
    assert session.scalar(select(FeatureFlag)) is None


def test_a_change_is_on_record_with_before_and_after(session, admin):
    change(Setting(FlagState.PERCENT, 10), admin)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "flag.changed")).one()
    changes = json.loads(entry.changes)
    assert (changes["before"]["state"], changes["after"]["state"], changes["after"]["percent"]) == ("on", "percent", 10)
    assert entry.actor_user_id == admin.user_id


def test_who_saw_another_setting_is_told(session, admin):
    seen = flags.fingerprint(flags.setting(PURCHASE))
    change(Setting(FlagState.OFF), admin)
    with pytest.raises(StaleChange):
        change(Setting(FlagState.PERCENT, 5), admin, seen=seen)
    assert flags.setting(PURCHASE) == Setting(FlagState.OFF)


def test_two_first_changes_in_the_same_moment_are_one(app, session, admin):
    seen = flags.fingerprint(flags.setting(PURCHASE))
    session.rollback()
    wishes = [Setting(FlagState.OFF), Setting(FlagState.PERCENT, 5)]
    ends = at_once(app, [partial(change, wish, admin, seen=seen) for wish in wishes])
    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "StaleChange"]
