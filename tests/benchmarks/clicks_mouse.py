"""The daily jobs in our console, by mouse, with nothing typed but what is new."""

from tests.benchmarks.click_counter import Person
from tests.benchmarks.click_scene import Scene


def _jump(person: Person, words: str) -> None:
    person.click("[data-palette]")
    person.type(words)
    person.wait_for("#palette [aria-selected=true]")
    person.press("Enter")


def find_a_customer(person: Person, scene: Scene) -> bool:
    _jump(person, scene.customer_email)
    person.page.wait_for_url(f"**/{scene.customer_request}**")
    return person.sees("Kavya Iyer")


def assign_ten(person: Person, scene: Scene) -> None:
    person.click(".numbers a >> text=Unassigned")
    person.click("th.bought a")
    person.click("[name=rowid] >> nth=0")
    person.click("[name=rowid] >> nth=9", modifiers=["Shift"])
    person.choose("#bulk-provider", label="Priya Raman")
    person.click(".bulk button[value=assign]")
    person.wait_for(".notice.done >> text=10 requests done")


def move_on(person: Person, scene: Scene) -> None:
    _jump(person, scene.assigned.reference_number)
    person.click("text=Start the work")
    person.wait_for(".page-states >> text=In progress")


def refund_half(person: Person, scene: Scene) -> None:
    _jump(person, scene.paid.reference_number)
    person.click("summary >> text=Refund…")
    person.wait_for("[name=amount]:focus")
    person.type("1249.50")
    person.click("text=Refund this amount")
    person.wait_for(".notice.done")


def find_why_stuck(person: Person, scene: Scene) -> bool:
    person.click(".numbers a >> text=stuck")
    person.click("main .list [data-row] a")
    person.click("text=Why is this stuck?")
    person.wait_for("text=What we have")
    return person.sees("The gateway says otherwise than we do.")


def export_last_month(person: Person, scene: Scene) -> str:
    person.click("#rail >> text=Requests")
    person.click("nav.tabs >> text=All")
    person.choose("[name=period]", label="last month")
    person.wait_for(".chips >> text=last month")
    return person.download("text=Export CSV")


def resend(person: Person, scene: Scene) -> None:
    person.click(".numbers a >> text=mail")
    person.click("main .list [data-row] a")
    person.click("main button >> text=Send again")
    person.wait_for(".notice.done")


def add_a_provider(person: Person, scene: Scene) -> None:
    person.click("#rail >> text=Providers")
    person.click("text=New provider")
    person.wait_for("#name:focus")
    person.type("Meenal Shah")
    person.click("#email")
    person.type("meenal.shah@example.com")
    person.select_text("#capacity")
    person.type("12")
    person.click("label >> text=Legal")
    person.click("button >> text=Create")
    person.wait_for(".notice.done")


def change_a_price(person: Person, scene: Scene) -> None:
    person.click("#rail >> text=Services")
    person.click(f"main .list [data-row]:has-text('{scene.service.name}') a[data-label^=Price]")
    person.type("2999")
    person.press("Enter")
    person.wait_for("text=2,999.00")
