"""What can be done from the shell with `flask --app wsgi ...`; each command says its mistakes in one line."""

from flask import Flask

from app.commands import (
    accounts,
    audit,
    figures,
    gateways,
    keys,
    privacy,
    reconcile,
    retention,
    sample,
    schedule,
    serve,
    worker,
)


def init_app(app: Flask) -> None:
    for command in (
        accounts.create_user,
        accounts.create_token,
        audit.verify_audit,
        figures.figures,
        gateways.import_gateways,
        gateways.set_gateway,
        keys.rotate_keys,
        privacy.erase_customer,
        privacy.export_customer,
        reconcile.reconcile,
        retention.retention,
        sample.load_sample,
        schedule.schedule,
        serve.serve,
        worker.worker,
    ):
        app.cli.add_command(command)
