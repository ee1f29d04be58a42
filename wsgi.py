"""What web servers and `flask --app wsgi` load."""

import gc

from app import create_app, logs
from app.config import SettingsError

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(str(error)) from None
logs.configure(app.extensions["settings"].log_level)
# All this stays as long as the process does: whoever collects garbage need not walk through it again and again.
gc.freeze()
