"""The environment is checked as a whole, before anything is served."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import Settings, SettingsError
from app.models import Role

SECRET = "Zb7-kQ2p9sV4xT8mR1wJ6yN3cF5hL0dG"
KEYS = "Na5-rT8yU1iO4pA7sD0fG3hJ6kL9zX2c,Qw3-eR6tY9uI2oP5aS8dF1gH4jK7lZ0x"
PRODUCTION = {
    "APP_ENV": "production",
    "DATABASE_URL": "postgresql://shop:hidden-password@db.internal/shop",
    "REDIS_URL": "redis://:hidden-password@queue.internal/0",
    "SECRET_KEY": SECRET,
    "ENCRYPTION_KEYS": KEYS,
    "BASE_URL": "https://shop.example.com/",
    "MAIL_SERVER": "mail.internal",
    "MAIL_PASSWORD": "hidden-password",
}
NEEDED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "BASE_URL", "MAIL_SERVER")


def problems(**changes: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(PRODUCTION | changes)
    return raised.value.problems


def test_production_settings_are_read():
    settings = Settings.from_env(PRODUCTION)
    assert settings.is_production
    assert settings.base_url == "https://shop.example.com"
    assert settings.encryption_keys == tuple(KEYS.split(","))
    assert settings.mail.server == "mail.internal"


def test_development_needs_nothing():
    settings = Settings.from_env({})
    assert not settings.is_production
    assert settings.database_url.startswith("sqlite:///")
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.mail.server is None
    assert (settings.time_zone.key, settings.locale) == ("Asia/Kolkata", "en_IN")


def test_development_takes_any_secret():
    settings = Settings.from_env({"SECRET_KEY": "dev", "ENCRYPTION_KEYS": "new,old"})
    assert (settings.secret_key, settings.encryption_keys) == ("dev", ("new", "old"))


def test_the_port_is_part_of_the_development_address():
    assert Settings.from_env({"PORT": "9123"}).base_url == "http://127.0.0.1:9123"


@given(missing=st.sets(st.sampled_from(NEEDED), min_size=1), blank=st.sampled_from(["", "  "]))
def test_everything_missing_in_production_is_named_at_once_and_nothing_else(missing, blank):
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(PRODUCTION | dict.fromkeys(missing, blank))
    assert {problem.split()[0] for problem in raised.value.problems} == missing
    assert all(f"{name} is missing" in str(raised.value) for name in missing)


def test_many_things_wrong_are_one_message_with_a_line_each():
    wrong = problems(
        SECRET_KEY="short", ENCRYPTION_KEYS="short", PORT="http", TIME_ZONE="Mars/Base", BASE_URL="", LOG_LEVEL="loud"
    )
    assert [line.split()[0] for line in wrong] == [
        "PORT",
        "BASE_URL",
        "SECRET_KEY",
        "ENCRYPTION_KEYS",
        "TIME_ZONE",
        "LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "x" * 31),
        ("SECRET_KEY", "x" * 64),
        ("ENCRYPTION_KEYS", "x" * 64),
        ("ENCRYPTION_KEYS", f"{SECRET},short"),
        ("ENCRYPTION_KEYS", " , ,"),
        ("BASE_URL", "http://shop.example.com"),
        ("BASE_URL", "shop.example.com"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://["),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("MAIL_PORT", "0"),
        ("MAIL_PORT", "99999"),
        ("REFUND_DAYS", "9" * 5_000),
        ("KEEP_MAIL_DAYS", "1000000"),
        ("PORT", "٨٠٠٠"),
        ("TRUSTED_PROXIES", "two"),
        ("TIME_ZONE", "../etc"),
        ("LOCALE", "xx_YY"),
        ("LOCALE", "english please"),
        ("LOG_LEVEL", "LOUD"),
        ("SECOND_FACTOR_ROLES", "admin, boss"),
        ("CONFIRM_REFUNDS_ABOVE", "much"),
        ("TRUSTED_HOSTS", "https://shop.example.com"),
        ("FLASK_DEBUG", "1"),
        ("MAIL_USE_TLS", "starttls"),
    ],
)
def test_a_weak_or_senseless_value_is_named(name, value):
    assert [problem.split()[0] for problem in problems(**{name: value})] == [name]


def test_the_secrets_of_development_are_refused_in_production():
    development = Settings.from_env({})
    wrong = problems(SECRET_KEY=development.secret_key, ENCRYPTION_KEYS=development.encryption_keys[0])
    assert [problem.split()[0] for problem in wrong] == ["SECRET_KEY", "ENCRYPTION_KEYS"]


def test_an_unknown_environment_is_refused_before_anything_is_believed():
    with pytest.raises(SettingsError, match="APP_ENV must be production or development"):
        Settings.from_env(PRODUCTION | {"APP_ENV": "prod"})


def test_no_secret_is_in_the_picture_of_the_settings_or_in_a_complaint():
    shown = repr(Settings.from_env(PRODUCTION))
    for secret in (SECRET, *KEYS.split(","), "hidden-password"):
        assert secret not in shown
    complaint = str(SettingsError(problems(SECRET_KEY="weak-but-mine", ENCRYPTION_KEYS="weak-but-mine")))
    assert "weak-but-mine" not in complaint


def test_sqlite_with_several_web_processes_is_refused_in_production():
    on_sqlite = {"DATABASE_URL": "sqlite:////srv/shop.db", "WEB_CONCURRENCY": "2"}
    assert [problem.split()[0] for problem in problems(**on_sqlite)] == ["WEB_CONCURRENCY"]
    assert Settings.from_env(PRODUCTION | on_sqlite | {"WEB_CONCURRENCY": "1"})
    assert Settings.from_env(PRODUCTION | {"WEB_CONCURRENCY": "8"})


def test_one_of_two_ways_to_protect_mail_is_chosen():
    assert "MAIL_USE_TLS and MAIL_USE_SSL" in problems(MAIL_USE_TLS="1", MAIL_USE_SSL="1")[0]


def test_everything_wrong_with_a_start_is_told_together():
    wrong = problems(
        DATABASE_URL="sqlite:////srv/shop.db",
        WEB_CONCURRENCY="4",
        FLASK_DEBUG="1",
        SECRET_KEY="short",
        BASE_URL="http://shop.example.com",
        MAIL_SERVER="",
    )
    named = {problem.split()[0] for problem in wrong}
    assert named == {"WEB_CONCURRENCY", "FLASK_DEBUG", "SECRET_KEY", "BASE_URL", "MAIL_SERVER"}
    assert len(wrong) == len(named)


def test_roles_and_names_are_read_as_lists():
    settings = Settings.from_env(PRODUCTION | {"SECOND_FACTOR_ROLES": "Admin, finance,", "TRUSTED_HOSTS": "a.example"})
    assert settings.second_factor_roles == {"admin", "finance"}
    assert settings.trusted_hosts == ("a.example", "shop.example.com")


def test_every_role_can_be_made_to_have_a_second_factor():
    roles = ",".join(Role)
    assert Settings.from_env({"SECOND_FACTOR_ROLES": roles}).second_factor_roles == set(Role)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_short_scheme_of_hosting_companies_is_understood(scheme):
    settings = Settings.from_env(PRODUCTION | {"DATABASE_URL": f"{scheme}://u:postgres://@h/d"})
    assert settings.database_url == "postgresql://u:postgres://@h/d"


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False)])
def test_switches_are_words(text, expected):
    assert Settings.from_env({"MAIL_USE_TLS": text}).mail.use_tls is expected


def test_a_process_may_have_as_many_connections_as_are_set():
    assert Settings.from_env(PRODUCTION).database_connections == 10
    assert Settings.from_env(PRODUCTION | {"DATABASE_CONNECTIONS": "4"}).database_connections == 4
    assert problems(DATABASE_CONNECTIONS="1") == [
        "DATABASE_CONNECTIONS must be a whole number from 2 to 10000, not '1'"
    ]


def test_a_pooler_is_told_of():
    assert not Settings.from_env(PRODUCTION).database_pooler
    assert Settings.from_env(PRODUCTION | {"DATABASE_POOLER": "1"}).database_pooler
