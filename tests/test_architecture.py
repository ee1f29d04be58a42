"""The rules of the house: who may import whom, who commits, how long things may get, what may not be said."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app"
LONGEST_FILE = 300
LONGEST_FUNCTION = 40

GROUND = {"kit", "errors"}
BASE = {
    "db",
    "kept_statements",
    "connections",
    "postgres",
    "round_trips",
    "columns",
    "extensions",
    "config",
    "links",
    "observability.meters",
}
BUSINESS = {"workflows", "models", "gateways", "jobs.queue"}
ENTRY_POINTS = {"checkout", "admin", "accounts", "portal", "api", "jobs", "sandbox"}
# Puts the house together: may import anything, and is imported by nothing but other wiring.
WIRING = {"", "background", "commands", "jobs.worker", "hosting", "samples"}
# Shared by the entry points, or bound by `create_app` to serve every page alike.
AROUND = {
    "bells",
    "exchanges",
    "bulk_runs",
    "import_runs",
    "stationery",
    "streams",
    "text_forms",
    "commission_words",
    "plots",
    "working_week",
    "error_pages",
    "guesses",
    "reauthentication",
    "troubles",
    "protection",
    "observability",
    "formats",
    "ages",
    "assets",
    "migrate",
}
# What even those of `AROUND` use of each other.
SHARED = {"observability", "migrate", "ages", "plots", "troubles"}
BELOW = GROUND | BASE | BUSINESS | AROUND

# What each part may import of ours. Parts are the longest prefix found here.
MAY_IMPORT: dict[str, set[str]] = {
    "kit": set(),
    "errors": set(),
    "observability.meters": set(),
    "config": {"kit"},
    "links": set(),
    "web": set(),
    "connections": {"postgres"},
    "postgres": {"round_trips"},
    "round_trips": set(),
    "kept_statements": set(),
    "db": {"kit", "connections", "kept_statements"},
    "columns": {"kit"},
    "extensions": {"kit", "config", "links"},
    "models": {"kit", "db", "columns"},
    "gateways": GROUND,
    "jobs.queue": {"kit", "db"},
    "workflows": GROUND
    | {
        "connections",
        "kept_statements",
        "links",
        "observability.meters",
        "db",
        "columns",
        "models",
        "gateways",
        "jobs.queue",
    },
    **dict.fromkeys(AROUND, GROUND | BASE | {"models", "workflows", "jobs.queue"} | SHARED),
    # Asks for the password before any entry point's view, and answers programs in the shape of errors.
    "reauthentication": GROUND | BASE | {"models", "workflows", "error_pages", "guesses", "troubles"},
    **{part: BELOW - {"gateways"} for part in ENTRY_POINTS},
    # The other side of the Sandbox gateway: it speaks the adapter's language.
    "sandbox": BELOW,
}
# Libraries that a part must do without.
MUST_NOT_IMPORT: dict[str, set[str]] = {
    "kit": {"flask", "sqlalchemy"},
    "errors": {"flask", "sqlalchemy"},
    "models": {"flask"},
    "gateways": {"flask", "sqlalchemy"},
    "workflows": {"flask", "flask_login", "flask_admin", "flask_wtf"},
}
# Each with its reason, here, where a reviewer sees it.
EXCEPTIONS = {
    (
        "api.webhooks",
        "gateways.base",
    ): "names the type of the verified event that it hands from one workflow to the next",
}

BANNED_NAMES = re.compile(r"^_*(utils?|helpers?|common|misc|managers?|data|info|process)$|(^|_)do_|^handle_")
# WTForms reads what was sent to a field by calling the one, marshmallow tells of problems by calling the other.
CALLED_BY_LIBRARIES = {("admin.affiliate_forms", "process"), ("api.wishes", "handle_error")}
MAY_HANDLE = {
    "workflows.webhooks",
    "workflows.payments",
    "api.webhooks",
    "jobs.webhooks",
    "jobs.worker",
    "admin",
    "error_pages",
}
# Numbers that are no money: seconds, shares of a bar, percentages shown.
MONEY_PATHS = ("kit.money", "gateways", "models", "workflows", "checkout", "api", "sandbox")


@dataclass(frozen=True)
class Module:
    path: Path

    @property
    def name(self) -> str:
        """Without the leading `app`; the package itself is the empty string."""
        parts = self.path.relative_to(APP).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    @property
    def part(self) -> str:
        return part_of(self.name)

    @property
    def tree(self) -> ast.Module:
        return parse(self.path)

    def imports(self, *, running: bool = False) -> Iterator[tuple[str, int]]:
        """Full names of what it imports, and the line; `running` leaves out what only a type checker sees."""
        for node in walk(self.tree, running=running):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path}:{node.lineno}: relative import"
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    def our_imports(self, *, running: bool = False) -> dict[str, int]:
        """The modules of ours that it imports, and the line."""
        named = self.imports(running=running)
        return {module_of(name.partition(".")[2]): line for name, line in named if name.split(".")[0] == "app"}


def walk(tree: ast.AST, *, running: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if running and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from walk(node, running=running)


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@cache
def modules() -> tuple[Module, ...]:
    return tuple(Module(path) for path in sorted(APP.rglob("*.py")))


@cache
def names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def module_of(name: str) -> str:
    """`workflows.payments.confirm` is in `workflows.payments`."""
    while name and name not in names():
        name = name.rpartition(".")[0]
    return name


def part_of(name: str) -> str:
    package, *inner = name.split(".")
    for part in (name, ".".join([package, *inner[:1]]), package):
        if part in MAY_IMPORT or part in WIRING:
            return part
    raise AssertionError(f"app/{name.replace('.', '/')} has no place in the house: give it one in this file")


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_everybody_imports_only_who_is_below() -> None:
    wrong = []
    for module in modules():
        if module.part in WIRING:
            continue
        allowed = MAY_IMPORT[module.part] | {module.part}
        for imported, line in module.our_imports().items():
            part = part_of(imported)
            if part not in allowed and (module.name, imported) not in EXCEPTIONS:
                wrong.append(f"{module.path.relative_to(ROOT)}:{line} imports app.{imported}")
    assert not wrong, "\n".join(wrong)


def test_libraries_stay_where_they_belong() -> None:
    wrong = [
        f"{module.path.relative_to(ROOT)}:{line} imports {imported}"
        for module in modules()
        for imported, line in module.imports()
        if imported.split(".")[0] in MUST_NOT_IMPORT.get(module.part, set())
    ]
    assert not wrong, "\n".join(wrong)


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {module.name: module.our_imports(running=True).keys() - {""} for module in modules()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " imports ".join((*above[above.index(name) :], name))
        if name in done:
            return
        for imported in sorted(graph[name] - {name}):
            visit(imported, (*above, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_one_place_commits() -> None:
    commits = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    }
    assert commits == {"db"}


@pytest.mark.parametrize("folder", ["app", "tests", "migrations"])
def test_files_stay_short(folder: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert not {str(path): length for path, length in lengths.items() if length > LONGEST_FILE}


def test_functions_stay_short() -> None:
    wrong = [
        f"{module.path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for module in modules()
        for function in functions(module.tree)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not wrong, "\n".join(wrong)


def test_names_say_something() -> None:
    wrong = [str(module.path) for module in modules() if BANNED_NAMES.search(module.path.stem)]
    wrong += [
        f"{module.path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and is_banned(node.name, module)
    ]
    assert not wrong, "\n".join(wrong)


def is_banned(name: str, module: Module) -> bool:
    if BANNED_NAMES.search(name.lower()) is None or (module.name, name) in CALLED_BY_LIBRARIES:
        return False
    handles = name.startswith("handle_") and (module.name in MAY_HANDLE or module.part in MAY_HANDLE)
    return not handles


def test_money_is_never_a_float() -> None:
    wrong = [
        f"{module.path.relative_to(ROOT)}:{node.lineno}"
        for module in modules()
        if module.name.startswith(MONEY_PATHS)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]
    assert not wrong, "\n".join(wrong)
