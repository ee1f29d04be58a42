"""The daily jobs in our console, hands on the keyboard."""

from tests.benchmarks.click_counter import Person
from tests.benchmarks.click_scene import Scene

_CHOSEN = "#palette [aria-selected=true]"


def _jump(person: Person, words: str) -> None:
    person.press("Control+k")
    person.type(words)
    person.wait_for(_CHOSEN)
    person.press("Enter")


def find_a_customer(person: Person, scene: Scene) -> bool:
    _jump(person, scene.customer_email)
    person.page.wait_for_url(f"**/{scene.customer_request}**")
    return person.sees("Kavya Iyer")


def assign_ten(person: Person, scene: Scene) -> None:
    _jump(person, "unass")
    person.wait_for("table.requests")
    _jump(person, "oldest")
    person.wait_for("th.bought[aria-sort=ascending]")
    person.press("j", "x", *"jjjjjjjjj", "X", "a")
    person.type("pri")
    person.wait_for(_CHOSEN)
    person.press("Enter")
    person.wait_for(".notice.done >> text=10 requests done")


def move_on(person: Person, scene: Scene) -> None:
    _jump(person, scene.assigned.reference_number)
    person.wait_for("[data-key=e]")
    person.press("e", "Enter")
    person.wait_for(".page-states >> text=In progress")


def refund_half(person: Person, scene: Scene) -> None:
    _jump(person, scene.paid.reference_number)
    person.wait_for("[data-key=r]")
    person.press("r")
    person.type("1249.50")
    person.press("Control+Enter")
    person.wait_for(".notice.done")


def find_why_stuck(person: Person, scene: Scene) -> bool:
    _jump(person, scene.stuck.reference_number)
    person.wait_for("[data-key=w]")
    person.press("w")
    person.wait_for("text=What we have")
    return person.sees("The gateway says otherwise than we do.")


def export_last_month(person: Person, scene: Scene) -> str:
    person.press("g", "r")
    person.wait_for("table.requests")
    _jump(person, "all")
    person.page.wait_for_url("**view=all**")
    _jump(person, "last month")
    person.wait_for(".chips >> text=last month")
    person.press("Control+k")
    person.type("exp")
    person.wait_for(_CHOSEN)
    return person.download()


def resend(person: Person, scene: Scene) -> None:
    _jump(person, "failed")
    person.wait_for("main .list")
    person.press("j", "Enter")
    person.wait_for("main button >> text=Send again")
    person.press("e", "Enter")
    person.wait_for(".notice.done")


def add_a_provider(person: Person, scene: Scene) -> None:
    _jump(person, "new pro")
    person.wait_for("#name:focus")
    person.type("Meenal Shah")
    person.press("Tab")
    person.type("meenal.shah@example.com")
    _jump(person, "open req")
    person.type("12")
    _jump(person, "legal")
    person.press("Control+Enter")
    person.wait_for(".notice.done")


def change_a_price(person: Person, scene: Scene) -> None:
    _jump(person, "gst")
    person.wait_for("#price")
    _jump(person, "price")
    person.type("2999")
    person.press("Control+Enter")
    person.wait_for(".notice.done")
