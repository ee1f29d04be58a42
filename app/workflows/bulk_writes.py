"""Writing what follows from a change together when it is over: table by table instead of row by row.

The session's own unit of work keeps books on every entry, and each query in between makes it write what it has so far:
that is most of the cost of a payment, and of a bulk change. The workflows stay the same; only what they leave behind is
written here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Update, inspect
from sqlalchemy.orm.exc import StaleDataError

from app.db import Model, db
from app.models import ServiceRequest
from app.workflows import changed_rows, together
from app.workflows.beside import Step, attempt, beside
from app.workflows.changed_rows import Change
from app.workflows.together import Kind, NewRows, Prepared, Question

_GATHERED = "gathered_rows"

_FEW = 24
"""Rows that go in one statement: a sale with all that follows has some fifteen."""

_Rows = dict[tuple[Kind, frozenset[str]], list[dict[str, Any]]]
"""Those that go out together have the same columns."""


@dataclass(slots=True)
class _Gathered:
    rows: _Rows = field(default_factory=dict)
    updates: list[Prepared] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    questions: list[tuple[Question, Callable[[Any], None]]] = field(default_factory=list)


@contextmanager
def gathered() -> Iterator[None]:
    """Rows added inside are written when it ends, and what the session has changed with them or just before.

    Queries inside do not see what was changed there. Within another one, they wait for the end of that.
    """
    session = db.session()
    if _GATHERED in session.info:
        yield
        return
    session.info[_GATHERED] = _Gathered()
    try:
        with session.no_autoflush:
            yield
            write_so_far()
    finally:
        del session.info[_GATHERED]


def add(row: Model) -> None:
    """A new row that is only written, never read again in this transaction."""
    waiting = _waiting()
    if waiting is None:
        db.session.add(row)
    else:
        _gather(waiting.rows, (type(row), None), vars(row))


def add_once(model: type[Model], values: Mapping[str, Any], *, by: str) -> None:
    """The same, but for a row that is left out where there is one with the same `by`. Only within `gathered()`."""
    waiting = _waiting()
    if waiting is None:
        raise RuntimeError("add_once() needs gathered()")
    _gather(waiting.rows, (model, by), values)


def add_beside(*steps: Step) -> None:
    """Rows of steps that the rest has nothing to do with: they go with it, and if that fails each step by itself."""
    with gathered():
        cast(_Gathered, _waiting()).steps += steps


def change(statement: Update, values: Mapping[str, Any]) -> None:
    """Change the one row that the statement is about, which is locked. Its parameters are its own."""
    with gathered():
        cast(_Gathered, _waiting()).updates.append(Prepared(statement, values))


def ask(wanted: ColumnElement[Any], values: Mapping[str, Any], *, then: Callable[[Any], None]) -> None:
    """Have a single value looked at in the tables as it stands when the rest is written, and go on with it `then`.

    It is about rows that were written before: where the rest goes in one statement it sees nothing of that.
    """
    with gathered():
        cast(_Gathered, _waiting()).questions.append((Question(wanted, values), then))


def write_now(model: type[Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows that cannot wait, in one statement."""
    together.insert_by_table(NewRows((model, None), [_columns(row, model) for row in rows]))


def write_so_far() -> None:
    """Write what was gathered, as something has to be read that follows from it. Nothing if nothing is gathered."""
    waiting = _waiting()
    if waiting is None:
        return
    session = db.session()
    session.info[_GATHERED] = _Gathered()
    answers = _write_all(waiting, _changes(waiting))
    for answer, (_, then) in zip(answers, waiting.questions, strict=True):
        then(answer)
    if waiting.questions:
        write_so_far()


def _write_all(waiting: _Gathered, changes: Sequence[Change] | None) -> Sequence[Any]:
    questions = [question for question, _ in waiting.questions]
    if waiting.steps:
        try:
            with attempt():
                rows = _joined(waiting.rows, _rows_of(waiting.steps))
                return _write(rows, waiting.updates, changes, questions=questions)
        except Exception:  # noqa: S110
            # Each says for itself what is wrong with it.
            pass
    answers = _write(waiting.rows, waiting.updates, changes, questions=questions)
    for step in waiting.steps:
        with beside(step.logger, step.failure, **step.facts):
            _write(_rows_of([step]), (), (), questions=())
    return answers


def _changes(waiting: _Gathered) -> Sequence[Change] | None:
    """What goes in one statement with the rest; None where there is too much of it, or no way to do so."""
    session = db.session()
    changes = changed_rows.changes_in(session)
    if changes is None:
        # What the rest speaks of has to be there first.
        session.flush()
        changes = ()
    count = len(changes) + len(waiting.updates) + len(waiting.steps) + sum(map(len, waiting.rows.values()))
    if count <= _FEW and session.get_bind().dialect.name == "postgresql":
        return changes
    session.flush()
    return None


def _write(
    rows: _Rows, updates: Sequence[Prepared], changes: Sequence[Change] | None, *, questions: Sequence[Question]
) -> Sequence[Any]:
    new = [NewRows(kind, rows_of_kind) for (kind, _), rows_of_kind in rows.items()]
    if changes is not None and len(changes) + len(updates) + len(new) > 1:
        return together.write(changes, new, updates, questions=questions)
    # One of a kind.
    db.session.flush()
    for each in new:
        together.insert_by_table(each)
    for update in updates:
        db.session.connection().execute(update.statement, update.values)
    return together.answers_to(questions)


def _rows_of(steps: Iterable[Step]) -> _Rows:
    rows: _Rows = {}
    for step in steps:
        for model, values in step.rows():
            _gather(rows, (model, None), values)
    return rows


def _joined(rows: _Rows, more: _Rows) -> _Rows:
    return rows | {key: [*rows.get(key, ()), *added] for key, added in more.items()}


def _gather(rows: _Rows, kind: Kind, values: Mapping[str, Any]) -> None:
    row = _columns(values, kind[0])
    rows.setdefault((kind, frozenset(row)), []).append(row)


def _waiting() -> _Gathered | None:
    return cast("_Gathered | None", db.session().info.get(_GATHERED))


def _columns(values: Mapping[str, Any], model: type[Model]) -> dict[str, Any]:
    names = _names(model)
    return {names[key]: value for key, value in values.items() if key[0] != "_"}


@cache
def _names(model: type[Model]) -> Mapping[str, str]:
    """Of the columns, by attribute: those of sealed ones differ."""
    return {attribute.key: attribute.columns[0].key for attribute in inspect(model).column_attrs}


def write_requests(service_requests: Iterable[ServiceRequest]) -> None:
    """Write what was changed of these locked requests, and let go of them. Raises StaleDataError."""
    alike: dict[changed_rows.Kind, list[dict[str, Any]]] = {}
    for service_request in service_requests:
        change = changed_rows.changes_of(service_request)
        if change.values:
            alike.setdefault(change.kind, []).append(changed_rows.values_of(change, "new"))
        db.session.expunge(service_request)
    for kind, rows in alike.items():
        result = cast(CursorResult[Any], db.session.connection().execute(changed_rows.updating(kind), rows))
        if result.rowcount != len(rows):
            raise StaleDataError("requests that are locked were changed")
