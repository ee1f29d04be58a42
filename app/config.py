"""Settings: read once from the environment, checked as a whole, then never changed."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import Locale, UnknownLocaleError

from app.kit.addresses import is_dsn, scheme_and_host
from app.kit.crypto import MINIMUM_SECRET_LENGTH
from app.kit.money import Money, parse_amount

PRODUCTION = "production"
DEVELOPMENT = "development"
# Those of `models.Role`, which the settings lie below.
_ROLES = frozenset({"admin", "operator", "finance", "viewer", "provider", "affiliate"})
_CENTURY, _LARGEST = 36_500, 10**12
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_DEVELOPMENT_SECRET = "development-only-secret-0123456789-do-not-deploy"  # noqa: S105 - refused in production


class SettingsError(Exception):
    """One line for each setting that is missing or weak."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("Cannot start:\n" + "\n".join(f"  {problem}" for problem in problems))


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Without a server, mail is not sent but kept readable in the console (development only)."""

    server: str | None = None
    port: int = 25
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    use_tls: bool = False
    use_ssl: bool = False
    default_sender: str = "Counterfoil <no-reply@example.com>"


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days personal data is kept that nobody needs any more; 0 is for ever."""

    mail: int = 365
    gateway_messages: int = 180
    visits: int = 180
    looks: int = 365
    unpaid: int = 90


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment decides; `from_env` is the only way outside tests to make one."""

    app_env: str
    # Both may hold a password.
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    base_url: str
    secret_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    mail: MailSettings = MailSettings()
    port: int = 8000
    database_connections: int = 10
    database_pooler: bool = False
    time_zone: ZoneInfo = ZoneInfo("Asia/Kolkata")
    locale: str = "en_IN"
    business_name: str = "Counterfoil"
    support_email: str = "support@example.com"
    refund_days: int = 14
    payout_minimums: tuple[Money, ...] = ()
    trusted_proxies: int = 0
    trusted_hosts: tuple[str, ...] = ()
    second_factor_roles: frozenset[str] = frozenset()
    confirm_refunds_above: int = 10_000
    retention: Retention = Retention()
    log_level: str = "INFO"
    sentry_dsn: str | None = field(default=None, repr=False)

    @property
    def is_production(self) -> bool:
        return self.app_env == PRODUCTION

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Raises SettingsError that names every missing or weak value at once."""
        return _Reader(env).settings()


class _Reader:
    """Collects problems instead of stopping at the first."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[str] = []
        self._production = self._app_env() == PRODUCTION

    def settings(self) -> Settings:
        port = self._number("PORT", 8000, at_least=1, at_most=65_535)
        settings = Settings(
            app_env=self._app_env(),
            database_url=self._database_url(),
            redis_url=self._redis_url(),
            base_url=self._base_url(f"http://127.0.0.1:{port}"),
            secret_key=self._secret_key(),
            encryption_keys=self._encryption_keys(),
            mail=self._mail(),
            port=port,
            database_connections=self._number("DATABASE_CONNECTIONS", 10, at_least=2, at_most=10_000),
            database_pooler=self._flag("DATABASE_POOLER"),
            time_zone=self._time_zone(),
            locale=self._locale(),
            business_name=self._text("BUSINESS_NAME", "Counterfoil"),
            support_email=self._text("SUPPORT_EMAIL", "support@example.com"),
            refund_days=self._number("REFUND_DAYS", 14, at_most=_CENTURY),
            payout_minimums=self._amounts("PAYOUT_MINIMUMS", "INR 500, USD 10, EUR 10, GBP 10"),
            trusted_proxies=self._number("TRUSTED_PROXIES", 0, at_most=100),
            trusted_hosts=self._trusted_hosts(),
            second_factor_roles=self._roles("SECOND_FACTOR_ROLES"),
            confirm_refunds_above=self._number("CONFIRM_REFUNDS_ABOVE", 10_000),
            retention=self._retention(),
            log_level=self._log_level(),
            sentry_dsn=self._sentry_dsn(),
        )
        self._check_processes(settings)
        self._check_debugging()
        if self._problems:
            raise SettingsError(self._problems)
        return settings

    def _retention(self) -> Retention:
        usual = asdict(Retention())
        return Retention(
            **{name: self._number(f"KEEP_{name.upper()}_DAYS", days, at_most=_CENTURY) for name, days in usual.items()}
        )

    def _text(self, name: str, default: str) -> str:
        return self._env.get(name, "").strip() or default

    def _needed(self, name: str, development_default: str) -> str:
        value = self._text(name, "" if self._production else development_default)
        if not value:
            self._problems.append(f"{name} is missing: set it in the environment")
        return value

    def _number(self, name: str, default: int, *, at_least: int = 0, at_most: int = _LARGEST) -> int:
        text = self._text(name, str(default))
        if not text.isascii() or not text.isdigit() or len(text) > 15 or not at_least <= int(text) <= at_most:
            self._problems.append(f"{name} must be a whole number from {at_least} to {at_most}, not {text!r}")
            return default
        return int(text)

    def _flag(self, name: str) -> bool:
        text = self._text(name, "0").lower()
        if text not in _TRUE | _FALSE:
            self._problems.append(f"{name} must be 1 or 0, not {text!r}")
        return text in _TRUE

    def _roles(self, name: str) -> frozenset[str]:
        roles = frozenset(role.strip() for role in self._text(name, "").lower().split(",") if role.strip())
        unknown = ", ".join(sorted(roles - _ROLES))
        if unknown:
            self._problems.append(f"{name} names no role of ours: {unknown}; use {', '.join(sorted(_ROLES))}")
        return roles & _ROLES

    def _amounts(self, name: str, default: str) -> tuple[Money, ...]:
        """One amount for each of several currencies: `INR 500, USD 10`."""
        amounts = []
        for part in filter(None, map(str.strip, self._text(name, default).split(","))):
            currency, _, number = part.partition(" ")
            try:
                amounts.append(parse_amount(number, currency.upper()))
            except ValueError:
                self._problems.append(f"{name} must be amounts like INR 500, USD 10, not {part!r}")
        return tuple(amounts)

    def _trusted_hosts(self) -> tuple[str, ...]:
        """Names besides that of BASE_URL, which is always one of them; none given means that any will do."""
        named = tuple(name.strip().lower() for name in self._text("TRUSTED_HOSTS", "").split(",") if name.strip())
        if any("/" in name or ":" in name for name in named):
            self._problems.append("TRUSTED_HOSTS takes names like shop.example.com, without https:// and port")
        own = urlsplit(self._text("BASE_URL", "")).hostname if named else None
        return (*named, own) if own else named

    def _check_processes(self, settings: "Settings") -> None:
        text, on_sqlite = self._text("WEB_CONCURRENCY", ""), settings.database_url.startswith("sqlite")
        if self._production and on_sqlite and text.isascii() and text.isdigit() and int(text) > 1:
            self._problems.append(
                "WEB_CONCURRENCY must be 1 on SQLite, where one process writes at a time: use PostgreSQL for more"
            )

    def _check_debugging(self) -> None:
        if self._production and self._text("FLASK_DEBUG", "0").lower() not in _FALSE:
            self._problems.append("FLASK_DEBUG must be off in production: it shows visitors our code and secrets")

    def _app_env(self) -> str:
        value = self._text("APP_ENV", DEVELOPMENT)
        if value not in {PRODUCTION, DEVELOPMENT}:
            raise SettingsError([f"APP_ENV must be {PRODUCTION} or {DEVELOPMENT}, not {value!r}"])
        return value

    def _database_url(self) -> str:
        url = self._needed("DATABASE_URL", "sqlite:///var/counterfoil.db")
        # Hosting companies still hand out the short scheme, which SQLAlchemy refuses.
        url = url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url
        return self._with_scheme("DATABASE_URL", url, ("postgresql://", "postgresql+psycopg://", "sqlite:///"))

    def _redis_url(self) -> str:
        url = self._needed("REDIS_URL", "redis://127.0.0.1:6379/0")
        return self._with_scheme("REDIS_URL", url, ("redis://", "rediss://", "unix://"))

    def _with_scheme(self, name: str, url: str, schemes: tuple[str, ...]) -> str:
        # Not quoted in the message: it may hold a password.
        if url and not url.startswith(schemes):
            self._problems.append(f"{name} must begin with {' or '.join(schemes)}")
        return url

    def _base_url(self, default: str) -> str:
        url = self._needed("BASE_URL", default).rstrip("/")
        scheme, has_host = scheme_and_host(url)
        if url and not (scheme in {"http", "https"} and has_host):
            self._problems.append(f"BASE_URL must be an address like https://shop.example.com, not {url!r}")
        elif self._production and scheme == "http":
            self._problems.append("BASE_URL must begin with https:// in production")
        return url

    def _secret_key(self) -> str:
        value = self._needed("SECRET_KEY", _DEVELOPMENT_SECRET)
        if self._production and value == _DEVELOPMENT_SECRET:
            self._problems.append("SECRET_KEY is the development one: make your own")
        elif value and self._is_weak(value):
            self._problems.append(f"SECRET_KEY is weak: use at least {MINIMUM_SECRET_LENGTH} random characters")
        return value

    def _encryption_keys(self) -> tuple[str, ...]:
        text = self._needed("ENCRYPTION_KEYS", _DEVELOPMENT_SECRET)
        keys = tuple(key.strip() for key in text.split(",") if key.strip())
        if text and not keys:
            self._problems.append("ENCRYPTION_KEYS is missing: there are only commas in it")
        if any(self._is_weak(key) for key in keys):
            self._problems.append(f"ENCRYPTION_KEYS is weak: {MINIMUM_SECRET_LENGTH} random characters each are needed")
        if self._production and _DEVELOPMENT_SECRET in keys:
            self._problems.append("ENCRYPTION_KEYS holds the development key: make your own")
        return keys

    def _is_weak(self, key: str) -> bool:
        """Only in production: elsewhere there is nobody's data to protect."""
        return self._production and (len(key) < MINIMUM_SECRET_LENGTH or len(set(key)) < 8)

    def _mail(self) -> MailSettings:
        use_tls, use_ssl = self._flag("MAIL_USE_TLS"), self._flag("MAIL_USE_SSL")
        if use_tls and use_ssl:
            self._problems.append("MAIL_USE_TLS and MAIL_USE_SSL exclude each other: choose one")
        return MailSettings(
            server=self._needed("MAIL_SERVER", "") if self._production else self._text("MAIL_SERVER", "") or None,
            port=self._number("MAIL_PORT", 25, at_least=1, at_most=65_535),
            username=self._text("MAIL_USERNAME", "") or None,
            password=self._text("MAIL_PASSWORD", "") or None,
            use_tls=use_tls,
            use_ssl=use_ssl,
            default_sender=self._text("MAIL_DEFAULT_SENDER", "Counterfoil <no-reply@example.com>"),
        )

    def _locale(self) -> str:
        name = self._text("LOCALE", "en_IN")
        try:
            Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            self._problems.append(f"LOCALE {name!r} is unknown: use a name like en_IN")
        return name

    def _log_level(self) -> str:
        name = self._text("LOG_LEVEL", "INFO").upper()
        if name not in logging.getLevelNamesMapping():
            self._problems.append(f"LOG_LEVEL {name!r} is unknown: use DEBUG, INFO, WARNING or ERROR")
        return name

    def _sentry_dsn(self) -> str | None:
        dsn = self._text("SENTRY_DSN", "")
        # Not quoted in the message: it holds a key.
        if dsn and not is_dsn(dsn):
            self._problems.append("SENTRY_DSN must be an address like https://key@sentry.example.com/1")
        elif dsn and find_spec("sentry_sdk") is None:
            self._problems.append("SENTRY_DSN is set, but sentry-sdk is not installed: install counterfoil[sentry]")
        return dsn or None

    def _time_zone(self) -> ZoneInfo:
        name = self._text("TIME_ZONE", "Asia/Kolkata")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            self._problems.append(f"TIME_ZONE {name!r} is unknown: use a name like Asia/Kolkata")
            return ZoneInfo("UTC")
