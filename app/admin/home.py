"""The first page of the console: what needs a person now, and plots of how things go."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.admin import attention, plot_money, plot_range, plot_running, plot_work
from app.admin.pages import Guarded
from app.admin.plot_cards import Scene
from app.admin.plot_range import PlotRange
from app.admin.plot_work import Load
from app.db import db, transaction
from app.extensions import settings
from app.jobs import queue
from app.kit import clock
from app.kit.periods import Bucket, Period
from app.models import ProviderProfile, User
from app.plots.parts import Card
from app.workflows import figure_keeping, figure_reading
from app.workflows.figure_reading import Reading


class Home(Guarded):
    def __init__(self, **more: Any) -> None:
        super().__init__(endpoint="admin", url="/admin", **more)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        asked = plot_range.parse(request.args, clock.utc_now().astimezone(settings().time_zone).date())
        reading = _read(asked)
        scene = Scene(asked, reading, settings().locale)
        numbers = attention.numbers(self.user)
        overdue = next(number.amount for number in numbers if number.name == "overdue")
        return self.render(
            "admin/home.html",
            numbers=numbers,
            range=asked,
            zone=settings().time_zone.key,
            uncounted=reading.uncounted,
            sections=_sections(scene, overdue),
        )


def _sections(scene: Scene, overdue: int) -> list[tuple[str, list[Card]]]:
    return [
        ("Money", [plot_money.sales(scene), plot_money.payments(scene), plot_money.refunds(scene)]),
        (
            "Customers and work",
            [
                plot_work.funnel(scene),
                plot_work.first_contact(scene),
                plot_work.promises(scene, overdue),
                plot_work.workload(_loads()),
            ],
        ),
        ("What keeps running", [plot_running.mail(scene), plot_running.errors(scene)]),
    ]


def _read(asked: PlotRange) -> Reading:
    """The figures of the range and of the days that it is compared with; what had to be counted is kept."""
    zone = settings().time_zone
    before = asked.before
    period = Period(before.start if before else asked.period.start, asked.period.end)
    sums = before.whole(Bucket.MONTH) if before else []
    if asked.bucket is not Bucket.DAY:
        sums += asked.period.whole(asked.bucket)
    reading = figure_reading.read(period, zone, sums=sums, patience=figure_reading.PATIENCE)
    if reading.counted:
        with transaction():
            figure_keeping.keep(reading.counted, zone)
            if reading.uncounted:
                queue.enqueue("app.jobs.figures.keep", on=queue.UPKEEP)
    return reading


def _loads() -> list[Load]:
    query = (
        select(User.name, ProviderProfile.open_work, ProviderProfile.capacity, ProviderProfile.availability)
        .join(User, User.id == ProviderProfile.user_id)
        .where(User.is_enabled)
    )
    return [Load(*row) for row in db.session.execute(query)]
