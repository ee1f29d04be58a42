"""What is watched exists, and whatever may alert somebody has its page in the runbook."""

import ast
import json
import re
from pathlib import Path

from app.models import PaymentFlag
from app.observability import error_tally
from app.workflows import letter_kinds, letters
from tests.test_architecture import modules

DOCS = Path(__file__).resolve().parents[2] / "docs"
RULES = DOCS / "observability" / "alerts.yml"
DASHBOARD = DOCS / "observability" / "dashboard.json"
# Mails to administrators that tell of business as usual.
NEWS = {"new_request", "alert"}
# Kinds that the code puts together.
PUT_TOGETHER = {
    "f'payment_{flag}'": {f"payment_{flag}" for flag in PaymentFlag},
    "f'errors_{category}'": {f"errors_{category}" for category in error_tally._ALERTS},
}


def names_in(text):
    """Metrics that expressions speak of, without what a histogram adds to its name."""
    found = set(re.findall(r"\bcounterfoil_[a-z_]+", text))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}


RULE = re.compile(
    r" {6}- alert: (?P<alert>\w+)\n"
    r" {8}expr: '(?P<expr>[^'\n]+)'\n"
    r" {8}for: \d+[mh]\n"
    r" {8}labels:\n"
    r" {10}severity: (?:critical|warning)\n"
    r" {8}annotations:\n"
    r' {10}summary: "[^"\n]+"\n'
    r" {10}runbook: (?P<runbook>\S+)\n"
)


def rules():
    found = [match.groupdict() for match in RULE.finditer(RULES.read_text())]
    assert len(found) == RULES.read_text().count("- alert:"), "one is written otherwise than the others"
    return found


def entries():
    """Each heading of the runbook with its text."""
    parts = re.split(r"^#+ (.+)$", (DOCS / "runbook.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def mailed_alerts():
    """The kinds that the code can mail to administrators."""
    kinds = set()
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "alert":
                kinds |= kinds_of(node.args[0])
    told = {name for name, kind in letters.KINDS.items() if kind.account.receiver == "Every administrator"}
    return kinds | told - NEWS


def kinds_of(argument):
    if isinstance(argument, ast.Constant):
        return {argument.value}
    assert ast.unparse(argument) in PUT_TOGETHER, "say above what this may be"
    return PUT_TOGETHER[ast.unparse(argument)]


def test_every_metric_that_is_drawn_or_watched_exists(client, session):
    known = set(re.findall(r"^# TYPE (\S+)", client.get("/metrics").text, flags=re.MULTILINE))
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) >= len(panels) > 10
    watched = [rule["expr"] for rule in rules()]
    assert names_in(" ".join(expressions + watched)) <= known


def test_every_metric_of_ours_is_drawn(client, session):
    known = set(re.findall(r"^# TYPE (counterfoil_\S+)", client.get("/metrics").text, flags=re.MULTILINE))
    known = {name for name in known if not name.endswith("_created")}
    assert known - names_in(DASHBOARD.read_text()) == set()


def test_every_alert_has_its_entry_in_the_runbook_and_every_entry_its_alert():
    raised = {rule["alert"] for rule in rules()}
    explained = {title for title, text in entries().items() if "**Means:**" in text}
    assert explained == raised | mailed_alerts()


def test_every_entry_says_what_it_means_how_to_see_it_and_what_to_do():
    assert letter_kinds is not None
    for title, text in entries().items():
        if "**Means:**" in text:
            assert re.search(r"\*\*Means:\*\*.+\*\*See:\*\*.+\*\*Do:\*\*", text, flags=re.DOTALL), title


def test_every_rule_leads_to_its_entry():
    for rule in rules():
        assert rule["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
