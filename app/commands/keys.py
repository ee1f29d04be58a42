"""Changing the keys that personal data and secrets are sealed with."""

from datetime import timedelta

import click

from app.ages import exact
from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import transaction
from app.kit import clock
from app.workflows import audit, key_rotation, keys
from app.workflows.audit import COMMAND
from app.workflows.key_rotation import Place

_BATCH = 200
_MOST_ROUNDS = 20
_REPEATED_WITHIN = timedelta(days=1)
"""A form or an API call is not sent again later than this; it is recognised by a hash that cannot be made anew."""


@command()
@click.option("--check", is_flag=True, help="Say what is still under an old key, and change nothing.")
@with_application
def rotate_keys(*, check: bool) -> None:
    """Seal everything anew with the first key of ENCRYPTION_KEYS, with the service running.

    Begin by adding the new key as the last one and starting all processes anew, so that each can read what others
    write with it; then put it first, start them again, and run this. It can be stopped and run again at any time.
    """
    left = {place.name: key_rotation.count_left(place) for place in key_rotation.places()}
    if check:
        _say(left)
        return
    unreadable = _rotate(sum(left.values()))
    left = {place.name: key_rotation.count_left(place) for place in key_rotation.places()}
    for each in unreadable:
        click.echo(each, err=True)
    if not any(left.values()):
        with transaction():
            keys.forget_old()
    _say(left)


def _rotate(rows: int) -> list[str]:
    resealed, unreadable = 0, []
    with click.progressbar(length=rows, label="Rows", show_pos=True) as bar:
        # What somebody was working on was skipped, and what was written meanwhile by a process that does not have
        # the new key first is old again.
        for _ in range(_MOST_ROUNDS):
            found = [_rotate_table(place, bar) for place in key_rotation.places()]
            done = sum(count for count, _ in found)
            resealed += done
            unreadable = [each for _, problems in found for each in problems]
            if not done:
                break
    if resealed:
        with transaction():
            audit.record("keys.rotated", None, actor=COMMAND, after={"rows": resealed, "key": keys.newest()})
    return unreadable


def _rotate_table(place: Place, bar: "click._termui_impl.ProgressBar[int]") -> tuple[int, list[str]]:
    after, done, unreadable = None, 0, []
    while True:
        with transaction():
            batch = key_rotation.reseal_some(place, after, _BATCH)
        bar.update(batch.resealed)
        done += batch.resealed
        unreadable += batch.unreadable
        after = batch.last
        if after is None:
            return done, unreadable


def _say(left: dict[str, int]) -> None:
    waiting = [f"{count:,} in {name}" for name, count in left.items() if count]
    if waiting:
        raise click.ClickException(f"still under an old key: {', '.join(waiting)}. Run rotate-keys again.")
    click.echo(f"Everything is sealed with key {keys.newest()}, the first of ENCRYPTION_KEYS.")
    since = keys.first_used()
    until = since + _REPEATED_WITHIN if since else clock.utc_now()
    if until <= clock.utc_now():
        click.echo("The other keys can be removed.")
    else:
        click.echo(f"The other keys can be removed. Before {exact(until)}, a form that was sent before the change and")
        click.echo("is sent a second time would then be taken for a new one: better wait until then.")
