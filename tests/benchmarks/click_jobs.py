"""The nine jobs that operations staff do every day, and how one sees in the database that each was done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.db import db
from app.kit import clock
from app.models import (
    Notification,
    NotificationStatus,
    ProviderProfile,
    Refund,
    RefundStatus,
    RequestStatus,
    Service,
    User,
)
from tests.benchmarks import clicks_keys, clicks_mouse, clicks_stock
from tests.benchmarks.click_counter import Person
from tests.benchmarks.click_scene import Scene, oldest_unassigned, stored

Way = Callable[[Person, Scene], Any]


@dataclass(frozen=True, slots=True)
class Job:
    """`ensure_done` gets the scene, what the way returned, and what `look` saw before it; it raises AssertionError."""

    name: str
    mouse: Way
    keys: Way
    stock: Way
    ensure_done: Callable[[Scene, Any, Any], None]
    look: Callable[[], Any] = lambda: None


def _was_found(scene: Scene, seen: Any, _before: Any) -> None:
    assert seen is True


def _were_assigned(scene: Scene, _returned: Any, before: Any) -> None:
    assert len(before) == 10
    assert {stored(key).assigned_provider_id for key in before} == {scene.provider.id}


def _moved_on(scene: Scene, _returned: Any, _before: Any) -> None:
    assert stored(scene.assigned.id).status is RequestStatus.IN_PROGRESS


def _half_went_back(scene: Scene, _returned: Any, _before: Any) -> None:
    refund = _fresh(Refund)
    assert (refund.amount_minor, refund.status) == (124_950, RefundStatus.COMPLETED)


def _has_last_month(scene: Scene, text: str, _before: Any) -> None:
    lines = text.splitlines()
    found = {name for name in scene.last_month if any(name in line for line in lines)}
    assert found == scene.last_month
    assert len(lines) == len(scene.last_month) + 1


def _is_due_again(scene: Scene, _returned: Any, _before: Any) -> None:
    db.session.rollback()
    letter = db.session.get_one(Notification, scene.failed_mail, populate_existing=True)
    assert letter.status is NotificationStatus.PENDING
    assert letter.next_attempt_at <= clock.utc_now()


def _works_here(scene: Scene, _returned: Any, _before: Any) -> None:
    db.session.rollback()
    query = select(ProviderProfile).join(User).where(User.email == "meenal.shah@example.com")
    profile = db.session.scalars(query.execution_options(populate_existing=True)).one()
    assert (profile.user.name, profile.capacity) == ("Meenal Shah", 12)
    assert [skill.category for skill in profile.skills] == ["legal"]


def _costs_2999(scene: Scene, _returned: Any, _before: Any) -> None:
    db.session.rollback()
    assert db.session.get_one(Service, scene.service.id, populate_existing=True).price_minor == 299_900


def _fresh(model: Any) -> Any:
    db.session.rollback()
    return db.session.scalars(select(model).execution_options(populate_existing=True)).one()


JOBS = (
    Job(
        "find a customer by email",
        clicks_mouse.find_a_customer,
        clicks_keys.find_a_customer,
        clicks_stock.find_a_customer,
        _was_found,
    ),
    Job(
        "assign the ten oldest unassigned",
        clicks_mouse.assign_ten,
        clicks_keys.assign_ten,
        clicks_stock.assign_ten,
        _were_assigned,
        look=oldest_unassigned,
    ),
    Job("move a request on", clicks_mouse.move_on, clicks_keys.move_on, clicks_stock.move_on, _moved_on),
    Job("refund half", clicks_mouse.refund_half, clicks_keys.refund_half, clicks_stock.refund_half, _half_went_back),
    Job(
        "find why a payment is stuck",
        clicks_mouse.find_why_stuck,
        clicks_keys.find_why_stuck,
        clicks_stock.find_why_stuck,
        _was_found,
    ),
    Job(
        "export last month's requests",
        clicks_mouse.export_last_month,
        clicks_keys.export_last_month,
        clicks_stock.export_last_month,
        _has_last_month,
    ),
    Job("send a failed mail again", clicks_mouse.resend, clicks_keys.resend, clicks_stock.resend, _is_due_again),
    Job(
        "add a provider",
        clicks_mouse.add_a_provider,
        clicks_keys.add_a_provider,
        clicks_stock.add_a_provider,
        _works_here,
    ),
    Job(
        "change a price",
        clicks_mouse.change_a_price,
        clicks_keys.change_a_price,
        clicks_stock.change_a_price,
        _costs_2999,
    ),
)
