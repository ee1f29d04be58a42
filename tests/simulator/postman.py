"""The companies' webhooks: kept in order, and posted as well or as badly as asked."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests


@dataclass(frozen=True)
class Letter:
    """One event. `sign` makes the headers of one delivery of it."""

    gateway: str
    name: str
    body: bytes
    sign: Callable[[bytes], Mapping[str, str]] = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", **self.sign(self.body)}


@dataclass
class Conduct:
    """How the post works: copies of each, at random order, after a while, with a wrong signature, or not at all."""

    copies: int = 1
    is_shuffled: bool = False
    delay_seconds: float = 0
    is_forged: bool = False
    is_lost: bool = False


class Postman:
    """`addresses` are the shop's webhook addresses by gateway; without one, letters wait in `outbox`."""

    def __init__(self) -> None:
        self.outbox: list[Letter] = []
        self.addresses: dict[str, str] = {}
        self.conduct = Conduct()
        self.answers: list[int] = []

    def clear(self) -> None:
        self.outbox.clear()
        self.addresses.clear()
        self.answers.clear()
        self.conduct = Conduct()

    def send(self, letter: Letter) -> None:
        self.outbox.append(letter)
        if letter.gateway in self.addresses and not self.conduct.is_lost:
            threading.Timer(self.conduct.delay_seconds, self.deliver, args=([letter],)).start()

    def collect(self, gateway: str, *names: str) -> list[Letter]:
        """The letters so far of a gateway, of these names if any are given."""
        return [letter for letter in self.outbox if letter.gateway == gateway and (not names or letter.name in names)]

    def deliver(self, letters: list[Letter]) -> None:
        round_of_post = letters * self.conduct.copies
        if self.conduct.is_shuffled:
            random.shuffle(round_of_post)
        for letter in round_of_post:
            url = self.addresses[letter.gateway]
            body = letter.body + b" " if self.conduct.is_forged else letter.body
            answer = requests.post(url, data=body, headers=letter.headers, timeout=10)
            self.answers.append(answer.status_code)
