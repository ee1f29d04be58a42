"""What web servers and `flask --app wsgi` load."""

import gc

# While all this is loaded nothing of it is garbage, and looking for some takes a quarter of the time.
gc.disable()

from app import create_app  # noqa: E402
from app.config import SettingsError  # noqa: E402
from app.observability import logs  # noqa: E402

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(str(error)) from None
logs.configure(app.extensions["settings"].log_level)
# All this stays as long as the process does: whoever collects garbage need not walk through it again and again.
gc.freeze()
gc.enable()
