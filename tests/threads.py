"""Many at the same instant, each as in a process of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import Flask

Answer = TypeVar("Answer")


def at_once(app: Flask, calls: Sequence[Callable[[], Answer]]) -> list[Answer | Exception]:
    """What each call returned or raised; all begin together, each with a session of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Answer]) -> Answer | Exception:
        with app.app_context():
            start.wait(30)
            try:
                return call()
            except Exception as error:
                return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
