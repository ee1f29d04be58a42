"""Gateways from the shell and from the environment; secrets go in and do not come out."""

import pytest
from sqlalchemy import select

from app.db import db
from app.models import AuditEntry, GatewayConfig
from tests.events import event_body, post_event
from tests.factories import make_gateway, make_payment

SECRETS = ("key-of-the-shop", "secret-of-the-shop", "hook-of-the-shop")


def run(app, *words, env=None):
    return app.test_cli_runner().invoke(args=list(words), env=env)


def config(gateway="sandbox"):
    db.session.expire_all()
    return db.session.scalars(select(GatewayConfig).where(GatewayConfig.gateway == gateway)).one()


def test_a_gateway_is_stored_with_its_secrets_sealed_and_none_of_them_said(app, session):
    words = ("--api-key", SECRETS[0], "--api-secret", SECRETS[1], "--webhook-secret", SECRETS[2])
    result = run(app, "set-gateway", "sandbox", *words, "--mode", "test", "--active", "--default")
    assert result.exit_code == 0
    stored = config()
    assert (stored.api_key, stored.api_secret, stored.webhook_secret) == SECRETS
    assert stored.is_active
    assert stored.is_default
    said = result.output + "".join(db.session.scalars(select(AuditEntry.changes)))
    assert not any(secret in said for secret in SECRETS)


def test_who_leaves_a_gateway_without_its_webhook_secret_is_told(app, session):
    make_gateway()
    said = "sandbox: test mode, active, default. Its webhooks are refused until it has a webhook secret.\n"
    assert run(app, "set-gateway", "sandbox", "--webhook-secret", "").output == said
    assert "refused" not in run(app, "set-gateway", "sandbox", "--webhook-secret", "the-next-one").output


def test_what_is_left_out_stays_as_it_is_and_a_rolled_secret_stays_valid(app, session):
    make_gateway(api_secret="kept-secret")
    before = config().webhook_secret
    assert run(app, "set-gateway", "sandbox", "--webhook-secret", "the-next-one").exit_code == 0
    stored = config()
    assert stored.api_secret == "kept-secret"
    assert (stored.webhook_secret, stored.previous_webhook_secret) == ("the-next-one", before)


def test_an_empty_webhook_secret_switches_the_endpoint_off_for_the_one_before_too(app, client, session):
    make_gateway()
    assert post_event(client, event_body(make_payment())).status_code == 200
    assert run(app, "set-gateway", "sandbox", "--webhook-secret", "").exit_code == 0
    assert post_event(client, event_body(make_payment())).status_code == 400


@pytest.mark.parametrize("given", [(), ("--api-key", "pk_test_1"), ("--api-secret", "sk_test_1")])
def test_a_gateway_without_its_keys_is_not_opened_to_customers(app, session, given):
    result = run(app, "set-gateway", "stripe", *given, "--webhook-secret", "whsec_1", "--active")
    assert result.exit_code != 0
    assert "Stripe cannot take payments yet" in result.output
    assert not session.scalars(select(GatewayConfig).where(GatewayConfig.gateway == "stripe")).all()
    assert run(app, "set-gateway", "stripe", *given, "--webhook-secret", "whsec_1").exit_code == 0
    assert not config("stripe").is_active


def test_an_active_gateway_keeps_its_keys(app, session):
    keys = ("--api-key", "pk_test_1", "--api-secret", "sk_test_1")
    assert run(app, "set-gateway", "stripe", *keys, "--active").exit_code == 0
    result = run(app, "set-gateway", "stripe", "--api-secret", "")
    assert "Secret key" in result.output
    assert config("stripe").api_secret == "sk_test_1"
    assert run(app, "set-gateway", "stripe", "--api-secret", "", "--inactive").exit_code == 0


@pytest.mark.parametrize("words", [("nobody",), ("sandbox", "--mode", "real"), ("sandbox", "--colour", "blue"), ()])
def test_a_mistake_is_one_clear_line(app, session, words):
    result = run(app, "set-gateway", *words)
    assert result.exit_code != 0
    assert result.output.strip().splitlines()[-1].startswith("Error: ")


def test_credentials_of_the_environment_are_a_first_import_only(app, session):
    env = {"SANDBOX_API_SECRET": "from-the-environment", "SANDBOX_WEBHOOK_SECRET": "hook"}
    assert "sandbox (test)" in run(app, "import-gateways", env=env).output
    assert config().is_default
    changed = env | {"SANDBOX_API_SECRET": "another"}
    assert "Nothing to import" in run(app, "import-gateways", env=changed).output
    assert config().api_secret == "from-the-environment"


def test_further_settings_are_given_by_name_or_from_a_file(app, session, tmp_path):
    (tmp_path / "roots.pem").write_text("a certificate")
    words = ("--option", "pays_on=gateway", "--option", f"webhook_roots=@{tmp_path / 'roots.pem'}")
    assert run(app, "set-gateway", "sandbox", *words).exit_code == 0
    assert config().options == {"pays_on": "gateway", "webhook_roots": "a certificate"}
    assert "NAME=VALUE" in run(app, "set-gateway", "sandbox", "--option", "nonsense").output
    assert "cannot read" in run(app, "set-gateway", "sandbox", "--option", "a=@/nowhere").output
