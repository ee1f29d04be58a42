"""The application without pages: all that jobs need, and nothing of what they do not."""

import os
import subprocess
import sys

from app.commands.programs import ROOT

_WRITE_ALL = """
import sys
from app.background import app
from app.gateways.sandbox import Sandbox
from app.stationery import stationery
from app.workflows import letter_samples, letters

with app.app_context():
    for kind in letters.KINDS:
        assert letters.preview(letter_samples.sample(kind, stationery())).html, kind
assert Sandbox.ledger is not None
print(*sorted({"app.admin", "app.api", "app.checkout", "app.portal", "flask_admin", "marshmallow"} & set(sys.modules)))
"""


def test_it_writes_every_letter_and_loads_no_pages(tmp_path):
    settings = {**os.environ, "APP_ENV": "development", "DATABASE_URL": f"sqlite:///{tmp_path}/none.db"}
    written = subprocess.run(
        [sys.executable, "-c", _WRITE_ALL], cwd=ROOT, env=settings, check=True, capture_output=True, text=True
    )
    assert written.stdout.strip() == ""
