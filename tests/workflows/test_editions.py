"""What processes keep of the tables is never older than the tables, whoever changes them and however."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, text

from app.db import db, rehearsal, transaction
from app.models import DayOff, Edition, FeatureFlag, FlagState, GatewayConfig, Role, SavedView, Service, WorkingHours
from app.workflows import catalog, editions, gateway_choice, gateway_health
from app.workflows.editions import Kept
from tests.events import event_body, post_event
from tests.factories import make_gateway, make_payment, make_service, make_user

SUBJECTS = ("catalog", "gateways", "flags", "people", "hours", "views")
# Noted all day long, and read by the console from the rows themselves.
HEALTH = {"last_webhook_at", "last_failure_at", "last_failure", "updated_at"}
OTHER_VALUES = {
    "gateway": "'other'",
    "is_active": "false",
    "is_default": "false",
    "mode": "'live'",
    "api_base": "'https://example.com'",
    "options": '\'{"pays_on": "shop"}\'',
    "resting_until": "'2030-01-01 00:00:00'",
    "failures_in_row": "7",
    "last_success_at": "'2030-01-01 00:00:00'",
}


@pytest.fixture
def elsewhere(database_url):
    """Another program with the same database: it knows nothing of ours."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def rows(app):
    with app.app_context():
        make_service(tiers=2)
        make_gateway()
        owner = make_user(Role.AFFILIATE)
        with transaction():
            db.session.add(FeatureFlag(name="purchase", state=FlagState.ON, percent=0, user_emails=[]))
            db.session.add(WorkingHours(weekday=0, opens=540, closes=1080))
            db.session.add(SavedView(owner_id=owner.id, name="Late", query="overdue=1"))
            db.session.add(DayOff(day=date(2026, 1, 26), name="Republic Day"))
        db.session.remove()


def run(engine, statement):
    with engine.begin() as connection:
        connection.execute(text(statement))


def stamps(app):
    with app.app_context():
        found = db.session.get(Edition, 1)
        return {subject: getattr(found, subject) for subject in SUBJECTS}


def changed(before, after):
    return {subject for subject in SUBJECTS if before[subject] != after[subject]}


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("UPDATE services SET price_minor = price_minor + 1", "catalog"),
        ("UPDATE services SET is_active = NOT is_active", "catalog"),
        ("UPDATE service_tiers SET price_minor = price_minor + 1", "catalog"),
        ("DELETE FROM service_tiers", "catalog"),
        ("DELETE FROM services", "catalog"),
        ("INSERT INTO services SELECT * FROM services WHERE false", None),
        ("UPDATE payment_gateway_config SET is_active = false, is_default = false", "gateways"),
        ("UPDATE payment_gateway_config SET failures_in_row = failures_in_row + 1", "gateways"),
        ("DELETE FROM payment_gateway_config", "gateways"),
        ("UPDATE feature_flags SET state = 'off'", "flags"),
        ("DELETE FROM feature_flags", "flags"),
        ("UPDATE users SET name = 'Somebody Else'", "people"),
        ("UPDATE users SET role = 'viewer'", "people"),
        ("UPDATE users SET is_enabled = NOT is_enabled", "people"),
        ("UPDATE users SET email = 'another@example.com'", "people"),
        ("UPDATE users SET last_sign_in_at = NULL, session_epoch = session_epoch + 1", None),
        ("UPDATE affiliate_profiles SET code = 'another'", "people"),
        ("UPDATE affiliate_profiles SET updated_at = created_at", None),
        ("DELETE FROM affiliate_profiles", "people"),
        ("UPDATE working_hours SET closes = closes - 1", "hours"),
        ("DELETE FROM working_hours", "hours"),
        ("UPDATE days_off SET name = 'Another'", "hours"),
        ("DELETE FROM days_off", "hours"),
        ("UPDATE saved_views SET is_shared = NOT is_shared", "views"),
        ("DELETE FROM saved_views", "views"),
    ],
)
def test_any_statement_of_any_program_is_noticed(app, rows, elsewhere, statement, subject):
    before = stamps(app)
    run(elsewhere, statement)
    assert changed(before, stamps(app)) == ({subject} if subject else set())


def test_every_column_of_a_gateways_settings_is_watched(app, rows, elsewhere):
    watched = {column.name for column in inspect(GatewayConfig).columns} - HEALTH - {"id", "created_at"}
    for name in sorted(watched, key=lambda name: name == "is_active"):
        before = stamps(app)
        value = "CAST('x' AS bytea)" if elsewhere.dialect.name == "postgresql" else "x'00'"
        run(
            elsewhere,
            f"UPDATE payment_gateway_config SET {name} = {value if name.endswith('_sealed') else OTHER_VALUES[name]}",
        )
        assert changed(before, stamps(app)) == {"gateways"}, name


def test_a_gateways_health_is_noted_once_a_minute_and_then_leaves_what_is_kept_alone(app, rows):
    stamped = []
    for _ in range(3):
        with app.app_context(), transaction():
            gateway_health.note_answer("sandbox")
            gateway_health.note_webhook("sandbox")
        stamped.append(stamps(app)["gateways"])
    assert len(set(stamped)) == 1


@pytest.mark.postgres
def test_emptied_tables_and_rows_loaded_without_triggers_are_noticed(app, rows, elsewhere):
    before = stamps(app)
    with elsewhere.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE services SET price_minor = 1"))
    assert changed(before, between := stamps(app)) == {"catalog"}
    run(elsewhere, "TRUNCATE feature_flags")
    assert changed(between, stamps(app)) == {"flags"}


def test_what_was_taken_back_is_no_news(app, rows, elsewhere):
    before = stamps(app)
    with elsewhere.connect() as connection:
        connection.execute(text("UPDATE services SET price_minor = 1"))
        connection.rollback()
    assert stamps(app) == before


def test_rows_are_read_once_and_again_after_a_change(app, rows, elsewhere):
    reads = []
    kept = Kept("catalog", lambda: reads.append(1) or db.session.query(Service.price_minor).scalar())

    def now():
        with app.app_context():
            return kept.now()

    assert now() == now()
    assert len(reads) == 1
    run(elsewhere, "UPDATE services SET price_minor = 777")
    assert now() == now() == 777
    assert len(reads) == 2


def test_a_transaction_sees_its_own_changes_and_leaves_none_behind_that_it_took_back(app, rows):
    kept = Kept("catalog", lambda: db.session.query(Service.price_minor).scalar())
    with app.app_context():
        before = kept.now()
        with rehearsal():
            db.session.query(Service).one().price_minor = 5
            assert kept.now() == 5
        assert kept.now() == before


def test_without_stamps_nothing_has_tier_changed(app, rows, elsewhere):
    run(elsewhere, "DELETE FROM editions")
    with app.app_context():
        assert editions.stamp_of("gateways") is None
        assert list(gateway_choice.accounts()) == ["sandbox"]


def test_a_gateway_switched_off_elsewhere_is_offered_no_more(app, rows, elsewhere):
    def offered():
        with app.app_context():
            return [offer.gateway for offer in gateway_choice.offers("INR")]

    assert offered() == ["sandbox"]
    run(elsewhere, "UPDATE payment_gateway_config SET is_active = false, is_default = false")
    assert offered() == []


@pytest.mark.postgres
def test_two_transactions_never_wait_for_each_others_stamps_in_two_orders(app, rows, elsewhere):
    """The stamp is the last lock that a transaction takes."""
    with app.app_context():
        second = make_service()
        first = db.session.query(Service.id).filter(Service.id != second.id).scalar()
        db.session.remove()
    raise_price = text("UPDATE services SET price_minor = price_minor + 1 WHERE id = :id")
    with elsewhere.connect() as one, elsewhere.connect() as other:
        one.execute(raise_price, {"id": first})
        other.execute(text("SET lock_timeout = '2s'"))
        other.execute(raise_price, {"id": second.id})
        other.commit()
        one.execute(raise_price, {"id": second.id})
        one.commit()


def test_a_price_changed_in_one_process_is_shown_and_sold_by_the_next_request_of_another(app, make_app, settings, rows):
    """Two applications with nothing in common but the database."""
    shops = [app.test_client(), make_app(settings).test_client()]
    with app.app_context():
        service = db.session.query(Service).one()
        address, tier = f"/services/{service.id}", service.tiers[0]
        db.session.remove()
    assert all("9,876.00" not in shop.get(page).text for shop in shops for page in ("/", address))
    with app.app_context(), transaction():
        db.session.get(type(tier), tier.id).price_minor = 987_600
    assert all("9,876.00" in shop.get(page).text for shop in shops for page in ("/", address))


def test_a_flag_switched_off_in_one_process_holds_for_the_next_request_of_another(app, make_app, settings, rows):
    shops = [app.test_client(), make_app(settings).test_client()]
    with app.app_context():
        address = f"/services/{db.session.query(Service.id).scalar()}"
        db.session.remove()
    assert all("data-pay" in shop.get(address).text for shop in shops)
    with app.app_context(), transaction():
        db.session.query(FeatureFlag).one().state = FlagState.OFF
    assert all("data-pay" not in shop.get(address).text for shop in shops)


@hypothesis_settings(max_examples=15)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(["price_minor", "sort_order", "first_contact_hours"]), st.integers(1, 9)),
        min_size=1,
        max_size=4,
    ),
    has_tier_changed=st.booleans(),
)
def test_what_is_kept_is_what_stands_in_the_tables(app, elsewhere, empty_database, changes, has_tier_changed):
    empty_database()
    with app.app_context():
        make_service(tiers=1)
        db.session.remove()
    for column, value in changes:
        run(elsewhere, f"UPDATE services SET {column} = {value}")
        if has_tier_changed:
            run(elsewhere, f"UPDATE service_tiers SET price_minor = {value}")
        with app.app_context():
            seen = catalog.active_services()
        with app.app_context(), transaction():
            assert [catalog.get_for_sale(each.id) for each in seen] == seen


def test_what_came_along_with_a_message_still_holds_when_it_is_looked_at_by_itself(app, rows):
    with app.app_context():
        body = event_body(make_payment())
    assert post_event(app.test_client(), body).status_code == 200
    with app.app_context():
        assert editions.presume()
        editions.make_sure()


def test_within_a_transaction_what_is_known_lately_is_what_was_seen_just_before(app, rows, elsewhere):
    kept = Kept("catalog", lambda: db.session.query(Service.price_minor).scalar())
    with app.app_context():
        before = kept.now()
        run(elsewhere, "UPDATE services SET price_minor = 4242")
        with transaction():
            assert (kept.lately(), kept.now()) == (before, 4242)
        with transaction():
            assert kept.lately() == 4242
        assert kept.lately() == 4242


def test_what_another_thread_has_seen_since_does_not_get_into_a_transaction(app, rows, elsewhere):
    """A form is checked against what was seen just before: what it opens is to cost that, too."""
    kept = Kept("catalog", lambda: db.session.query(Service.price_minor).scalar())

    def see():
        with app.app_context():
            return kept.now()

    with app.app_context(), ThreadPoolExecutor(1) as other:
        before = kept.now()
        run(elsewhere, "UPDATE services SET price_minor = 4242")
        assert other.submit(see).result() == 4242
        with transaction():
            assert kept.lately() == before
