"""The rows of many requests, made part by part in several processes while those made before are written."""

import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from random import Random
from uuid import UUID

from app.hosting.orphans import die_with_parent
from app.samples.fields import Fields
from app.samples.letters_book import LettersBook
from app.samples.money_book import MoneyBook
from app.samples.requests_book import RequestsBook
from app.samples.scene import Scene
from app.samples.tables import Bundle
from app.samples.tale import Plot, Telling
from app.samples.traces_book import TracesBook

_MOST_PROCESSES = 4
"""One database takes no more than these make."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some requests with all that belongs to them, in the order that they can be written in; `open_work` is how many
    of them each provider has in hand."""

    count: int
    bundles: list[Bundle]
    open_work: Counter[UUID]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when tales play. Times are microseconds."""

    scene: Scene
    fields: Fields
    start: int
    step: float
    now: int
    detailed_from: int


class Maker:
    """Each process has its own."""

    def __init__(self, setting: Setting, *, random: Random) -> None:
        # Keys are never drawn twice, whatever the seed.
        bits = Random().getrandbits  # noqa: S311 - they guard nothing
        fields, scene = setting.fields, setting.scene
        self._setting = setting
        self._random = random.random
        self._plot = Plot(scene, random=random, bits=bits, now=setting.now)
        self._books = (RequestsBook(fields, bits), MoneyBook(fields))
        self._details = (TracesBook(fields, bits), LettersBook(fields, scene))

    @property
    def tables(self) -> list[str]:
        return [sheet.table for book in (*self._books, *self._details) for sheet in book.sheets]

    def make(self, numbers: range) -> Part:
        open_work: Counter[UUID] = Counter()
        for number in numbers:
            at = self._setting.start + int((number + self._random()) * self._setting.step)
            self._note(self._plot.tell(at), open_work)
        bundles = [sheet.take() for book in (*self._books, *self._details) for sheet in book.sheets]
        return Part(len(numbers), bundles, open_work)

    def _note(self, telling: Telling, open_work: Counter[UUID]) -> None:
        for book in self._books:
            book.write(telling)
        if telling.at >= self._setting.detailed_from:
            for detail in self._details:
                detail.write(telling)
        tale = telling.tale
        if tale.provider is not None and tale.is_open:
            open_work[tale.provider.user_id] += 1


@contextmanager
def making(setting: Setting, ranges: Sequence[range], *, random: Random) -> Iterator[Iterator[Part]]:
    """The parts, in the order of `ranges`."""
    count = count_processes(len(ranges))
    if count == 1:
        yield map(Maker(setting, random=random).make, ranges)
        return
    with ExitStack() as stack:
        ends = [
            stack.enter_context(_at_work(setting, ranges[first::count], random=Random(random.getrandbits(64))))  # noqa: S311
            for first in range(count)
        ]
        yield (ends[number % count].recv() for number in range(len(ranges)))


def count_processes(parts: int) -> int:
    # A fork takes along one thread only; whatever the others hold would be held for ever.
    is_alone = threading.active_count() == 1 and hasattr(os, "fork")
    return min(os.cpu_count() or 1, parts, _MOST_PROCESSES) if is_alone else 1


@contextmanager
def _at_work(setting: Setting, ranges: Sequence[range], *, random: Random) -> Iterator[Connection]:
    """A process that makes these parts, and the end that they come out of. It waits with each until it is fetched."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    # Forked, it has everything that it needs: nothing has to be packed up for it.
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_send, args=(theirs, setting, ranges, random), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.terminate()
        process.join()


def _send(end: Connection, setting: Setting, ranges: Sequence[range], random: Random) -> None:
    die_with_parent()
    maker = Maker(setting, random=random)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        for numbers in ranges:
            end.send(maker.make(numbers))
