"""What web servers and `flask --app wsgi` load."""

import gc
import typing

# While all this is loaded nothing of it is garbage, and looking for some takes a quarter of the time.
gc.disable()

from app import create_app  # noqa: E402
from app.config import SettingsError  # noqa: E402
from app.observability import logs  # noqa: E402

# Libraries declare more than a thousand functions for type checkers alone, and Python keeps them for whoever asks.
# Nobody does: what comes next is put into their place, a megabyte.
typing.clear_overloads()

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(str(error)) from None
logs.configure(app.extensions["settings"].log_level)
# All this stays as long as the process does: whoever collects garbage need not walk through it again and again.
gc.freeze()
gc.enable()
