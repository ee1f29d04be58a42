"""`python -m app.commands.demo`: everything embedded, with sample data, in a folder of its own.

Not a `flask` command: those build the application first, from settings that only this program makes.
"""

import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import click
from sqlalchemy import URL

from app import create_app, migrate
from app.commands.programs import ROOT, Address, ensure_free, held, queue_program, readiness, running, service_programs
from app.commands.serve import embed
from app.config import DEVELOPMENT, Settings, SettingsError
from app.db import db
from app.hosting.orphans import end_with_make
from app.hosting.supervisor import Supervisor
from app.samples.seed import seed_demo

_LOGINS = ("admin", "operator", "finance", "viewer", "provider", "affiliate")
# Whatever the caller's environment says about these, the demo is embedded and on this machine.
_SETTINGS = {"APP_ENV", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "BASE_URL"}
_SETTING_PREFIXES = ("MAIL_", "FLASK_", "SECOND_FACTOR_", "TRUSTED_")
# SQLite's own limit is 512 bytes, with a suffix for the files beside the database.
_LONGEST_PATH = 480


@click.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "var" / "demo",
    help="Where its data is kept.  [default: var/demo]",
)
def demo(directory: Path) -> None:
    """Try the service: shop, console, worker and sample data, until Ctrl-C."""
    end_with_make()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    os.chdir(ROOT)
    address = Address("127.0.0.1", _port())
    ensure_free(address)
    directory = directory.resolve()
    if len(os.fsencode(directory)) > _LONGEST_PATH:
        raise click.ClickException("the path of this folder is too long for SQLite: move it nearer to the root")
    with held(directory) as lock:
        raise SystemExit(_run(directory, address, lock))


def _run(directory: Path, address: Address, lock: int) -> int:
    kept = _kept_secrets(directory)
    password = os.environ.get("DEMO_PASSWORD", "").strip() or kept["DEMO_PASSWORD"]
    queue = embed(directory / "queue")
    environment = _environment(directory, address, kept) | {"REDIS_URL": queue.url}
    logs = _empty_logs(directory)
    foundation = queue_program(queue, keep_open=(lock,), logs=logs)
    with running(foundation):
        _prepare(environment, password)
    programs = [foundation, *service_programs(environment, address, web_processes=1, logs=logs)]
    return Supervisor(programs, readiness(address), lambda: _say_ready(address, password, directory)).run()


def _port() -> int:
    text = os.environ.get("PORT", "").strip() or "8000"
    if not (text.isascii() and text.isdigit()):
        raise click.ClickException(f"PORT must be a whole number, not {text!r}")
    return int(text)


def _kept_secrets(directory: Path) -> dict[str, str]:
    """Made once: without them, the data of an earlier run could not be read again."""
    keys, database = directory / "keys", _database(directory)
    if keys.exists():
        return dict(line.split("=", 1) for line in keys.read_text().splitlines())
    if database.exists():
        raise click.ClickException(f"the keys to {database} are gone: remove {directory} to begin anew")
    made = {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "DEMO_PASSWORD": secrets.token_urlsafe(9),
    }
    # Complete or not there at all.
    unfinished = directory / "keys.new"
    unfinished.touch(mode=0o600)
    unfinished.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
    unfinished.rename(keys)
    return made


def _environment(directory: Path, address: Address, kept: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not _is_setting(name)}
    return inherited | {
        "APP_ENV": DEVELOPMENT,
        "BASE_URL": f"http://{address}",
        "PORT": str(address.port),
        "DATABASE_URL": URL.create("sqlite", database=str(_database(directory))).render_as_string(),
        "SECRET_KEY": kept["SECRET_KEY"],
        "ENCRYPTION_KEYS": kept["ENCRYPTION_KEYS"],
    }


def _is_setting(name: str) -> bool:
    return name in _SETTINGS or name.startswith(_SETTING_PREFIXES)


def _database(directory: Path) -> Path:
    return directory / "counterfoil.db"


def _prepare(environment: Mapping[str, str], password: str) -> None:
    """Tables and sample data; both stay as they are where they are there already."""
    try:
        app = create_app(Settings.from_env(environment))
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    with app.app_context():
        migrate.upgrade(db.engine)
        seed_demo(password)
        db.engine.dispose()


def _empty_logs(directory: Path) -> Path:
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    for log in logs.glob("*.log"):
        log.write_bytes(b"")
    return logs


def _say_ready(address: Address, password: str, directory: Path) -> None:
    logins = ", ".join(f"{name}@example.com" for name in _LOGINS)
    click.echo(
        f"\nReady: http://{address}\n\n"
        f"Console:  http://{address}/admin/\n"
        f"Logins:   {logins}\n"
        f"Password: {password}\n\n"
        f"Data and logs are in {directory}. Ctrl-C stops everything."
    )


if __name__ == "__main__":
    demo()
