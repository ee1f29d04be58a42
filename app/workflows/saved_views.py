"""Sets of filters of the requests list that people keep under a name, for themselves or for everybody."""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.db import LOCK, db
from app.errors import InvalidInput, NotAllowed, NotFound
from app.models import Role, SavedView, User
from app.workflows import audit
from app.workflows.audit import Actor
from app.workflows.editions import Kept

MOST_OWN = 20
LONGEST_NAME = 60


class View(NamedTuple):
    """A saved view as the list shows it."""

    id: UUID
    owner_id: UUID
    name: str
    query: str
    is_shared: bool


def views_of(user: User) -> Sequence[View]:
    """Their own and the shared ones, in the order in which they were made."""
    kept = _VIEWS.now()
    return kept.get(user.id) or kept[None]


def _read() -> Mapping[UUID | None, Sequence[View]]:
    """What each owner sees, and under None what everybody else does."""
    columns = (SavedView.id, SavedView.owner_id, SavedView.name, SavedView.query, SavedView.is_shared)
    found = db.session.execute(select(*columns).order_by(SavedView.sort_order, SavedView.id))
    private: dict[UUID | None, list[tuple[int, View]]] = defaultdict(list)
    shared: list[tuple[int, View]] = []
    for place, view in enumerate(map(View._make, found)):
        (shared if view.is_shared else private[view.owner_id]).append((place, view))
    return {owner: [view for _, view in heapq.merge(shared, own)] for owner, own in (*private.items(), (None, []))}


# A tab for each stands on every page of the list.
_VIEWS = Kept("views", _read)


def save(user: User, name: str, query: str, *, is_shared: bool, actor: Actor) -> SavedView:
    """Raises InvalidInput for a bad name, one that is taken, or one view too many."""
    own = {view.name.casefold() for view in views_of(user) if view.owner_id == user.id}
    if len(own) >= MOST_OWN:
        raise InvalidInput(f"You have {MOST_OWN} views. Delete one that you do not use, then save this one.")
    view = SavedView(owner_id=user.id, name=_checked(name, taken=own), query=query, is_shared=is_shared)
    db.session.add(view)
    _flush(view)
    _record("view.saved", view, actor)
    return view


def change(view: SavedView, *, name: str, query: str, is_shared: bool, actor: Actor) -> None:
    """Raises InvalidInput for a bad name or one that is taken."""
    others = select(SavedView.name).where(SavedView.owner_id == view.owner_id, SavedView.id != view.id)
    view.name = _checked(name, taken={other.casefold() for other in db.session.scalars(others)})
    view.query = query
    view.is_shared = is_shared
    _flush(view)
    _record("view.changed", view, actor)


def delete(view: SavedView, *, actor: Actor) -> None:
    _record("view.deleted", view, actor)
    db.session.delete(view)


def may_change(view: SavedView | View, user: User) -> bool:
    """Its owner may; an administrator may tidy up what all of us see."""
    return view.owner_id == user.id or (view.is_shared and user.role is Role.ADMIN)


def get_locked(view_id: UUID, user: User) -> SavedView:
    """One that `user` may change. Raises NotFound, NotAllowed."""
    view = db.session.get(SavedView, view_id, with_for_update=LOCK, populate_existing=True)
    if view is None or not (view.is_shared or view.owner_id == user.id):
        raise NotFound("This view does not exist any more.")
    if not may_change(view, user):
        raise NotAllowed(f"{view.owner.name} made this view: they or an administrator can change it.")
    return view


def _checked(name: str, *, taken: set[str]) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput(f"A view needs a name of up to {LONGEST_NAME} characters.", details={"name": name[:80]})
    if name.casefold() in taken:
        raise _taken(name)
    return name


def _flush(view: SavedView) -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        # Saved in two tabs at once.
        raise _taken(view.name) from error


def _taken(name: str) -> InvalidInput:
    return InvalidInput(f"You have a view “{name}” already. Choose another name.", details={"name": name})


def _record(action: str, view: SavedView, actor: Actor) -> None:
    audit.record(action, view, actor=actor, after={"name": view.name, "shared": view.is_shared})
