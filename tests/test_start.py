"""What a web process does before its first answer, and what only then."""

import json
import os
import subprocess
import sys

import pytest

LOOK = """
import json, runpy, sys, types
import wsgi
from app.db import db

settings = runpy.run_path("gunicorn.conf.py")
late = settings["_LATE"]
with wsgi.app.app_context():
    seen = {"late": late, "knows_listeners": "dispatch" in vars(db.engine.dialect), "loaded": []}
for is_preloaded in (None, False, True):
    if is_preloaded is not None:
        settings["when_ready"](types.SimpleNamespace(cfg=types.SimpleNamespace(preload_app=is_preloaded)))
    seen["loaded"].append([name for name in late if name in sys.modules])
print(json.dumps(seen | {"has_library": "marshmallow" in sys.modules}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """In a process that has only just loaded the application."""
    database = f"sqlite:///{tmp_path_factory.mktemp('start')}/shop.db"
    settings = {"APP_ENV": "development", "DATABASE_URL": database, "PYTHONPATH": "."}
    said = subprocess.run([sys.executable, "-c", LOOK], env=os.environ | settings, capture_output=True, check=True)
    return json.loads(said.stdout)


def test_what_is_needed_late_is_loaded_late_or_once_for_all(seen):
    at_first, alone, preloaded = seen["loaded"]
    assert at_first == alone == []
    assert preloaded == seen["late"]
    assert seen["has_library"]


def test_listeners_of_connections_are_found_while_there_is_one_thread(seen):
    assert seen["knows_listeners"]
