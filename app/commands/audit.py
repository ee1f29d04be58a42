"""Verifying that nobody changed the audit log behind our back."""

import click

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import transaction
from app.jobs import audit as job
from app.workflows import audit_chain, audit_verification
from app.workflows.audit_chain import BEGINNING, Mark
from app.workflows.audit_verification import Problem

_WALKED_AT_ONCE = 2000


class _MarkType(click.ParamType[Mark]):
    name = "POSITION:HASH"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Mark:
        try:
            return Mark.read(value)
        except ValueError:
            self.fail("this is not a POSITION:HASH as verify-audit prints it", param, ctx)


@command()
@click.option("--expect", type=_MarkType(), help="A mark printed earlier: fails if the log no longer has it.")
@with_application
def verify_audit(expect: Mark | None) -> None:
    """Walk the audit log's chain, name the first entry that is wrong, and print a mark of its newest one.

    Keep the mark where nobody with access to the database can change it: only with it can you tell when the newest
    entries were cut off together with all that speaks of them.
    """
    job.chain()
    with transaction():
        head = audit_chain.head()
    mark, problem = _walk(head)
    problem = problem or audit_verification.wrong_end(mark, head) or audit_verification.forgotten()
    problem = problem or (audit_verification.wrong_at(expect) if expect else None)
    with transaction():
        audit_verification.note(position=0, problem=problem, is_complete=True)
    if problem is not None:
        raise click.ClickException(f"the audit log does not verify. {problem}")
    click.echo(f"All {mark.position:,} entries are as they were written. Keep this mark outside: {mark}")


def _walk(head: Mark) -> tuple[Mark, Problem | None]:
    mark = BEGINNING
    with click.progressbar(length=head.position, label="Entries", show_pos=True) as bar:
        while True:
            step = audit_verification.walk_on(mark, _WALKED_AT_ONCE)
            mark = step.mark
            bar.update(step.walked)
            if step.problem is not None or step.walked < _WALKED_AT_ONCE:
                return mark, step.problem
