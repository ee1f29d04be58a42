"""`python -m tests.benchmarks.clicks`: the daily jobs in our console and in a stock Flask-Admin, counted side by side.

Each job is done in Chromium on a shop of its own, and counts only when the database shows that it was done.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from flask import Flask

from app.extensions import limiter
from tests.benchmarks import click_scene
from tests.benchmarks.click_counter import Cannot, Effort, Person
from tests.benchmarks.click_jobs import JOBS, Job
from tests.benchmarks.click_scene import Traces
from tests.benchmarks.stock_admin import make_stock_admin
from tests.factories import PASSWORD
from tests.servers import chromium
from tests.servers.run import Servers
from tests.servers.web import WebServer
from tests.servers.worker import Worker

_ENGINE = "postgres"
_WAYS = {"mouse": "Counterfoil, mouse", "keys": "Counterfoil, keys", "stock": "stock Flask-Admin"}


@dataclass(frozen=True, slots=True)
class Done:
    effort: Effort
    traces: Traces


@dataclass
class Workplace:
    """Both consoles over one database, and a browser."""

    worker: Worker
    app: Flask
    stock: WebServer
    browser: Any

    def do(self, job: Job, way: str) -> Done | Cannot:
        self.worker.tidy(_ENGINE)
        with self.app.app_context():
            scene, seen, before = click_scene.set_up(), job.look(), click_scene.count_traces()
            try:
                effort, returned = self._work(job, way, scene)
            except Cannot as reason:
                return reason
            job.ensure_done(scene, returned, seen)
            return Done(effort, click_scene.count_traces().since(before))

    def _work(self, job: Job, way: str, scene: click_scene.Scene) -> tuple[Effort, Any]:
        context = self.browser.new_context(
            base_url=self.stock.url if way == "stock" else self.worker.web.url,
            viewport={"width": 1440, "height": 900},
            timezone_id="UTC",
        )
        with contextlib.closing(context):
            person = Person(context.new_page())
            person.page.set_default_timeout(15_000)
            person.page.goto("/admin/" if way == "stock" else "/login")
            if way != "stock":
                _sign_in(person.page, scene)
            person.begin()
            returned = getattr(job, way)(person, scene)
            person.page.wait_for_load_state()
            return person.effort, returned


def _sign_in(page: Any, scene: click_scene.Scene) -> None:
    page.fill("#email", scene.admin.email)
    page.fill("#password", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/admin/")


@contextlib.contextmanager
def _workplace() -> Iterator[Workplace]:
    from playwright.sync_api import sync_playwright

    with contextlib.ExitStack() as stack:
        servers = Servers()
        stack.callback(servers.stop)
        worker = Worker(servers.addresses)
        stack.callback(worker.close)
        app = worker.app(_ENGINE)
        worker.web.app = app
        limiter.enabled = False
        stock = WebServer()
        stack.callback(stock.stop)
        stock.app = make_stock_admin(worker.settings(worker.database(_ENGINE).url))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=list(chromium.FLAGS))
        stack.callback(browser.close)
        yield Workplace(worker, app, stock, browser)


Found = dict[str, dict[str, Done | Cannot]]


def count(wanted: str = "") -> Found:
    """For each job (all of them, or those whose name has the words) what each way took."""
    with _workplace() as workplace:
        jobs = [job for job in JOBS if wanted in job.name]
        return {job.name: {way: workplace.do(job, way) for way in _WAYS} for job in jobs}


def lines(found: Found) -> Iterator[str]:
    names = [field.name for field in fields(Effort)]
    width = max(map(len, found))
    each = " ".join(f"{name:>6}" for name in names)
    yield f"{'':{width}}  " + "  ".join(f"{title:^{len(each)}}" for title in _WAYS.values())
    yield f"{'job':{width}}  " + "  ".join([each] * len(_WAYS))
    for job, ways in found.items():
        yield f"{job:{width}}  " + "  ".join(_cells(ways[way], names, len(each)) for way in _WAYS)
    yield ""
    for job, ways in found.items():
        yield from (f"{job}, {_WAYS[way]}: {each}." for way, each in ways.items() if isinstance(each, Cannot))
        yield from _left_out(job, ways)


def _left_out(job: str, ways: dict[str, Done | Cannot]) -> Iterator[str]:
    """What our console does with the job and the stock one does not."""
    ours, stock = ways["mouse"], ways["stock"]
    if isinstance(ours, Done) and isinstance(stock, Done):
        missing = [
            f"{count} {words}"
            for name, words in _TRACE_WORDS.items()
            if (count := getattr(ours.traces, name)) and not getattr(stock.traces, name)
        ]
        if missing:
            yield f"{job}, {_WAYS['stock']}: done, but it leaves out {', '.join(missing)}."


_TRACE_WORDS = {"history": "steps of the requests' history", "audit": "entries of the audit log", "mails": "mails"}


def _cells(found: Done | Cannot, names: list[str], width: int) -> str:
    if isinstance(found, Cannot):
        return f"{'cannot':>{width}}"
    return " ".join(f"{getattr(found.effort, name):>6}" for name in names)


def main() -> None:
    logging.disable(logging.CRITICAL)
    print("\n".join(lines(count(" ".join(sys.argv[1:])))))


if __name__ == "__main__":
    main()
