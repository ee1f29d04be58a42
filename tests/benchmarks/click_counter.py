"""A person at a browser, whose every click and key is counted."""

from dataclasses import dataclass, field
from typing import Any


class Cannot(Exception):
    """This console has no way to do the job; the message says why."""


@dataclass(slots=True)
class Effort:
    """`keys` are pressed for what they do, `typed` are characters of text, `loads` whole pages."""

    clicks: int = 0
    keys: int = 0
    typed: int = 0
    loads: int = 0


@dataclass
class Person:
    """Does what a person can do: nothing is set, focused or submitted in any other way."""

    page: Any
    effort: Effort = field(default_factory=Effort)

    def __post_init__(self) -> None:
        self.page.on("domcontentloaded", self._note_load)

    def begin(self) -> None:
        """From here on it counts."""
        self.page.wait_for_load_state()
        self.effort = Effort()

    def click(self, what: str, **how: Any) -> None:
        self.wait_for(what)
        self.page.locator(what).first.click(**how)
        self.effort.clicks += 1

    def select_text(self, field: str) -> None:
        """All of what stands in it, to be typed over."""
        self.click(field, click_count=3)
        self.effort.clicks += 2

    def choose(self, menu: str, *, label: str) -> None:
        """In a drop-down of the system, which a script cannot click: once to open it, once on the choice."""
        self.wait_for(menu)
        self.page.locator(menu).first.select_option(label=label)
        self.effort.clicks += 2

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.effort.keys += len(keys)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.effort.typed += len(text)

    def wait_for(self, what: str) -> None:
        """Looking is free. Nobody works on a page that is not all there yet."""
        self.page.locator(what).first.wait_for()
        self.page.wait_for_load_state()

    def sees(self, words: str) -> bool:
        return words in self.page.inner_text("body")

    def download(self, what: str | None = None) -> str:
        """The text of the file that a click on `what`, or else Enter, brings."""
        with self.page.expect_download() as coming:
            if what is None:
                self.press("Enter")
            else:
                self.click(what)
        return coming.value.path().read_text()

    def _note_load(self, _page: Any) -> None:
        self.effort.loads += 1
