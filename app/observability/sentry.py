"""Errors told to Sentry, where SENTRY_DSN is set: what broke and where, and nothing of whom it happened to.

The library is an extra (`counterfoil[sentry]`); without the setting nothing of it is loaded. Only what is logged as
an error is sent, and of that the kinds of the errors, the lines they went through and our ids. Messages may quote what
a customer wrote, so neither they nor addresses, headers, variables and names of accounts leave this machine.
"""

from typing import Any, cast

from flask import Flask

from app.config import Settings
from app.kit import log_context

_KEPT = ("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "sdk", "exception", "tags")
_KEPT_OF_FRAMES = ("filename", "abs_path", "module", "function", "lineno", "context_line", "in_app")
_IDS = ("request_id", "job", "job_id")


def init_app(app: Flask) -> None:
    settings = cast(Settings, app.extensions["settings"])
    if settings.sentry_dsn:
        start(settings.sentry_dsn, settings.app_env)


def start(dsn: str, environment: str, **more: Any) -> None:
    """`more` goes to the library as it is."""
    # An extra that most installations do without.
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.integrations.atexit import AtexitIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn,
        environment=environment,
        default_integrations=False,
        integrations=[LoggingIntegration(level=None), ExcepthookIntegration(), AtexitIntegration(lambda *_: None)],
        include_local_variables=False,
        include_source_context=True,
        max_breadcrumbs=0,
        server_name="",
        before_send=cast(Any, scrub),
        **more,
    )


def scrub(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """What may leave: chosen piece by piece, so that nothing new slips through."""
    kept = {name: event[name] for name in _KEPT if name in event}
    # As it was written in the code, before anything was put into it.
    record = hint.get("log_record")
    if record is not None:
        kept["logentry"] = {"message": str(record.msg)}
    kept["tags"] = {**(event.get("tags") or {}), **_ids()}
    for error in (kept.get("exception") or {}).get("values", []):
        error.pop("value", None)
        for frame in (error.get("stacktrace") or {}).get("frames", []):
            for name in frame.keys() - set(_KEPT_OF_FRAMES):
                del frame[name]
    return kept


def _ids() -> dict[str, str]:
    """Those that stand on the log lines of the same request or job."""
    known = log_context.current()
    return {name: str(known[name]) for name in _IDS if known.get(name)}
