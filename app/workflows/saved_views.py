"""Sets of filters of the requests list that people keep under a name, for themselves or for everybody."""

from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.exc import IntegrityError

from app.db import LOCK, db
from app.errors import InvalidInput, NotAllowed, NotFound
from app.models import Role, SavedView, User
from app.workflows import audit
from app.workflows.audit import Actor

MOST_OWN = 20
LONGEST_NAME = 60

# Put together once: the list asks it each time.
_VIEWS = (
    select(SavedView)
    .where(or_(SavedView.owner_id == bindparam("user"), SavedView.is_shared))
    .order_by(SavedView.sort_order, SavedView.id)
)


def views_of(user: User) -> list[SavedView]:
    """Their own and the shared ones, in the order in which they were made."""
    return list(db.session.scalars(_VIEWS, {"user": user.id}))


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


def may_change(view: SavedView, user: User) -> bool:
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
