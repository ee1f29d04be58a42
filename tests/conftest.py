"""Fixtures for resources only; rows are made by the functions of `factories.py`.

Whatever asks for `app`, directly or not, runs on SQLite and on PostgreSQL; the markers `sqlite` and `postgres` pick
one. Tests with a browser run on PostgreSQL unless marked otherwise.
"""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy.orm import Session, scoped_session

from app.config import Settings
from tests.servers import chromium, guard
from tests.servers.mail import MailServer
from tests.servers.run import Addresses, Servers
from tests.servers.web import WebServer
from tests.servers.worker import ENGINES, Worker

_SERVERS = pytest.StashKey[Servers]()
_NO_BROWSER = "no Chromium: install one, or name one in CHROMIUM"

hypothesis_settings.register_profile(
    "counterfoil",
    max_examples=100,
    deadline=None,
    print_blob=True,
    # Examples of one test share its database; a test that minds calls `empty_database()` in each.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("counterfoil")
AGAIN = 30
"""A rule is tried widely on SQLite; PostgreSQL, where each example costs several times as much, sees so many."""


def pytest_configure(config: pytest.Config) -> None:
    guard.install()
    config.stash[_SERVERS] = Servers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that xdist starts where the shared servers are."""
    node.workerinput["addresses"] = node.config.stash[_SERVERS].addresses().as_words()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_SERVERS].stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = chromium.find() is None
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
            if missing:
                item.add_marker(pytest.mark.skip(reason=_NO_BROWSER))
    wanted = [item for item in items if _runs_on(item)]
    if len(wanted) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if not _runs_on(item)])
        items[:] = wanted
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """What was loaded until now stays: no need to look through it for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hypothesis binds its settings to a test where that is written down, once for both databases."""
    test = getattr(item, "obj", None)
    is_second = _engine(item) == "postgres" and len(_engines(item)) > 1
    if not (is_second and getattr(test, "is_hypothesis_test", False)):
        return (yield)
    usual = test._hypothesis_internal_use_settings
    fewer = hypothesis_settings(usual, max_examples=min(usual.max_examples, AGAIN))
    test._hypothesis_internal_use_settings = fewer
    try:
        return (yield)
    finally:
        test._hypothesis_internal_use_settings = usual


def _runs_on(item: pytest.Item) -> bool:
    engine = _engine(item)
    return engine is None or engine in _engines(item)


def _engine(item: pytest.Item) -> str | None:
    return item.callspec.params.get("database_url") if hasattr(item, "callspec") else None


def _engines(item: pytest.Item) -> set[str]:
    named = {name for name in ENGINES if item.get_closest_marker(name)}
    usual = {"postgres"} if item.get_closest_marker("browser") else set(ENGINES)
    return named or usual


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    unseen = sorted({report.nodeid.partition("::")[0] for report in skipped if "browser" in report.keywords})
    if unseen:
        terminalreporter.write_line(f"Not run, {_NO_BROWSER}: the browser tests of {', '.join(unseen)}", yellow=True)


@pytest.fixture(scope="session")
def worker(pytestconfig: pytest.Config) -> Iterator[Worker]:
    told = getattr(pytestconfig, "workerinput", {}).get("addresses")
    worker = Worker((lambda: Addresses(**told)) if told else pytestconfig.stash[_SERVERS].addresses)
    yield worker
    worker.close()


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, worker: Worker) -> Iterator[str]:
    """A database with all tables and no rows."""
    yield worker.database(request.param).url
    worker.tidy(request.param)


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, worker: Worker, database_url: str) -> Callable[[], None]:
    """Take out all rows in the middle of a test, between Hypothesis's examples."""
    engine = request.node.callspec.params["database_url"]
    return lambda: worker.tidy(engine)


@pytest.fixture
def settings(worker: Worker, database_url: str) -> Settings:
    return worker.settings(database_url)


@pytest.fixture
def app(request: pytest.FixtureRequest, worker: Worker, database_url: str) -> Iterator[Flask]:
    """Forms need no CSRF token here; `live_server` and the tests about it turn that on."""
    app = worker.app(request.node.callspec.params["database_url"])
    usual = dict(app.config)
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    # The next test has another shop: nothing that was counted in this one belongs there.
    app.extensions["visits"]._kept.clear()
    app.config.clear()
    app.config.update(usual)


@pytest.fixture
def make_app(worker: Worker) -> Callable[[Settings], Flask]:
    """An application with settings of its own: `make_app(replace(settings, app_env="production"))`."""
    return worker.make_app


@pytest.fixture
def client(app: Flask) -> Any:
    return app.test_client()


@pytest.fixture
def session(app: Flask) -> Iterator[scoped_session[Session]]:
    """The test's own session, in an application context of its own; change rows in a `transaction()`."""
    from app.db import db

    with app.app_context():
        yield db.session
        db.session.remove()


@pytest.fixture
def smtp(worker: Worker) -> Iterator[MailServer]:
    """The server that the application sends mail to."""
    worker.mail.clear()
    yield worker.mail
    worker.mail.clear()


@pytest.fixture
def redis_url(worker: Worker) -> Iterator[str]:
    yield worker.redis_url
    worker.redis.flushdb()


@pytest.fixture
def live_server(app: Flask, worker: Worker) -> Iterator[WebServer]:
    """`app` at `live_server.url`, as browsers meet it."""
    app.config["WTF_CSRF_ENABLED"] = True
    worker.web.app = app
    yield worker.web
    worker.web.wait_until_idle()
    worker.web.app = None


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=list(chromium.FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, live_server: WebServer) -> Iterator[Callable[..., Any]]:
    """`open_page(java_script_enabled=False, viewport=...)`: a page of a new visitor, addresses relative to ours.

    axe needs `bypass_csp=True`. An uncaught error or a breach of our content policy fails the test.
    """
    contexts = []
    problems: list[str] = []

    def open_page(**options: Any) -> Any:
        if options.get("bypass_csp"):
            # Halfway through a change of colour nothing has the contrast that it will have.
            options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if _is_breach(message.text) else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def _is_breach(text: str) -> bool:
    return "Content Security Policy" in text


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    return open_page()
