"""Carries on with imports that their page could not finish, or that a killed worker left behind."""

from uuid import UUID

from app import import_runs
from app.db import transaction
from app.workflows import imports


def carry_on(import_id: str) -> None:
    import_runs.carry_on(UUID(import_id), seconds=import_runs.SLICE)


def sweep() -> None:
    """Every bell may be lost: look for what was confirmed and is not finished."""
    with transaction():
        imports.forget_old()
        waiting = imports.unfinished()
    for import_id in waiting:
        import_runs.carry_on(import_id, seconds=import_runs.SLICE)
