"""Bells are rung when the answer has been sent: who waits for it need not wait for Redis, which may be slow or away.

One that is lost with its process, or with an answer that never came to be, is made up for by the sweep.
"""

from collections.abc import Callable

from flask import Flask, Response, after_this_request, has_request_context

from app.jobs import queue


def init_app(_app: Flask) -> None:
    queue.ring_later(_put_off)


def _put_off(ring: Callable[[], object]) -> bool:
    if not has_request_context():
        return False

    @after_this_request
    def wait(response: Response) -> Response:
        response.call_on_close(ring)
        return response

    return True
