"""What gunicorn finds here by itself, whoever starts it."""

import gc
from importlib import import_module

from gunicorn.arbiter import Arbiter

_LATE = ("app.api.shapes", "app.api.wishes", "app.postgres", "email_validator", "phonenumbers")
"""What a web process loads when it is first needed, so as to answer sooner."""


def when_ready(server: Arbiter) -> None:
    """Called before web processes are forked. Those that share what is loaded shall share this too."""
    if server.cfg.preload_app:
        for name in _LATE:
            import_module(name)
        gc.freeze()
