"""What a web process loads before its first answer, and what only then."""

import json
import os
import subprocess
import sys

LOOK = """
import json, runpy, sys, types
import wsgi
settings = runpy.run_path("gunicorn.conf.py")
late, loaded = settings["_LATE"], []
for is_preloaded in (False, True):
    loaded.append([name for name in late if name in sys.modules])
    settings["when_ready"](types.SimpleNamespace(cfg=types.SimpleNamespace(preload_app=is_preloaded)))
print(json.dumps([late, *loaded, [name for name in late if name in sys.modules], "marshmallow" in sys.modules]))
"""


def test_what_is_needed_late_is_loaded_late_or_once_for_all(tmp_path):
    settings = {"APP_ENV": "development", "DATABASE_URL": f"sqlite:///{tmp_path}/shop.db", "PYTHONPATH": "."}
    said = subprocess.run([sys.executable, "-c", LOOK], env=os.environ | settings, capture_output=True, check=True)
    late, at_first, alone, preloaded, has_library = json.loads(said.stdout)
    assert at_first == alone == []
    assert preloaded == late
    assert has_library
