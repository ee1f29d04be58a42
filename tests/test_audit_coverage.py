"""Whoever acts is written down: each function that is told who acts says so in the audit log, or tells on."""

import ast
from pathlib import Path

WORKFLOWS = Path(__file__).resolve().parent.parent / "app" / "workflows"
# Each with its reason.
EXCEPTIONS = {"bulk_drafts._submission_hash": "recognises a form, and changes nothing"}


def functions():
    for path in sorted(WORKFLOWS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and "actor" in names(node.args):
                yield f"{path.stem}.{node.name}", node


def names(arguments):
    return {each.arg for each in (*arguments.args, *arguments.kwonlyargs)}


def tells(node) -> bool:
    """Whether who acts is recorded here, or handed to a function that is told too."""
    for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
        handed = [*call.args, *(keyword.value for keyword in call.keywords)]
        if any("actor" in {leaf.id for leaf in ast.walk(each) if isinstance(leaf, ast.Name)} for each in handed):
            return True
    return False


def test_who_acts_is_recorded_or_told_on():
    found = dict(functions())
    assert len(found) > 40
    forgetful = {name for name, node in found.items() if not is_abstract(node) and not tells(node)}
    assert forgetful == EXCEPTIONS.keys()


def is_abstract(node) -> bool:
    return all(isinstance(each, ast.Expr) for each in node.body)
