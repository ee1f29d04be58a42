"""What workers and the scheduler load: all but the pages, which no job shows. That is an eighth of their memory."""

import gc
import typing

# As in `wsgi`: while all this is loaded nothing of it is garbage.
gc.disable()

from app import create_app  # noqa: E402
from app.config import SettingsError  # noqa: E402
from app.observability import logs  # noqa: E402

# As there too: declarations for type checkers alone.
typing.clear_overloads()

try:
    app = create_app(has_pages=False)
except SettingsError as error:
    raise SystemExit(str(error)) from None
logs.configure(app.extensions["settings"].log_level)
gc.freeze()
gc.enable()
