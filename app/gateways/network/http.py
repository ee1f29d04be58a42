"""How gateways are called: with bounded waits, and again where that cannot do anything twice."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, TypeVar

import requests
from requests.adapters import HTTPAdapter

from app.gateways.errors import BadCredentials, GatewayError, GatewayUnavailable, UnknownPayment
from app.kit.backoff import Backoff

logger = logging.getLogger(__name__)

T = TypeVar("T")

# With one of these a gateway does the work once, however often it is asked.
_KEY_HEADERS = ("Idempotency-Key", "PayPal-Request-Id", "X-Refund-Idempotency")
_TROUBLE = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
# What all gateways mean alike, and their SDKs do not tell apart alike. 409: the same call is still being worked on.
_MEANING: dict[int, type[GatewayError]] = {
    401: BadCredentials,
    403: BadCredentials,
    404: UnknownPayment,
    409: GatewayUnavailable,
}
_LONGEST_PLEA = timedelta(seconds=5)
_BACKOFF = Backoff(first=timedelta(seconds=0.5), factor=2, retries=2)


class NoAnswer(GatewayUnavailable):
    """A network error, "too many requests", or a fault on their side."""

    def __init__(self, reason: str, wait: timedelta = timedelta()) -> None:
        super().__init__(details={"reason": reason})
        self.wait = min(wait, _LONGEST_PLEA)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for an answer, and how often to ask: three times."""

    connect_seconds: float = 3
    read_seconds: float = 8
    backoff: Backoff = _BACKOFF
    sleep: Callable[[float], None] = time.sleep

    def insist(self, ask: Callable[[], T], *, recover: Callable[[], T | None] = lambda: None) -> T:
        """What `ask` answers, at the latest on the third try. Raises NoAnswer.

        Before another try `recover` may find that the one before was heard after all.
        """
        failures = 0
        while True:
            try:
                return ask()
            except NoAnswer as error:
                failures += 1
                delay = self.backoff.jittered(failures)
                if delay is None:
                    raise
                logger.info("gateway asked again", extra={"failures": failures, **error.details})
                self.sleep(max(delay, error.wait).total_seconds())
            found = recover()
            if found is not None:
                return found


class PatientSession(requests.Session):
    """A session for vendors' SDKs and our own calls alike. What it sends always has a timeout and never follows.

    Raises GatewayError: NoAnswer, or what 401, 403, 404 and 409 mean. What is not safe to repeat is sent once, and
    its caller knows what to do.
    """

    patience: ClassVar[Patience] = Patience()
    connections: ClassVar[HTTPAdapter] = HTTPAdapter(pool_maxsize=16)
    """Kept open for the next call: adapters are made for one request, a TLS handshake takes several round trips."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("https://", self.connections)
        self.mount("http://", self.connections)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        limits = (self.patience.connect_seconds, self.patience.read_seconds)
        options = kwargs | {"timeout": limits, "allow_redirects": False}
        once = partial(self._send_once, request, options)
        return self.patience.insist(once) if is_repeatable(request) else once()

    def _send_once(self, request: requests.PreparedRequest, options: dict[str, Any]) -> requests.Response:
        try:
            answer = super().send(request, **options)
        except _TROUBLE as error:
            raise NoAnswer(type(error).__name__) from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise NoAnswer(f"HTTP {answer.status_code}", _plea(answer))
        if answer.status_code in _MEANING:
            raise _MEANING[answer.status_code](details={"reason": f"HTTP {answer.status_code}"})
        return answer


def is_repeatable(request: requests.PreparedRequest) -> bool:
    return request.method == "GET" or any(header in request.headers for header in _KEY_HEADERS)


def _plea(answer: requests.Response) -> timedelta:
    """How long the gateway asks us to stay away."""
    text = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else timedelta()


def _drop_connections() -> None:
    """Two processes must not talk on one connection."""
    PatientSession.connections = HTTPAdapter(pool_maxsize=16)


os.register_at_fork(after_in_child=_drop_connections)
