"""PayPal's webhooks: signed by a certificate that is believed for good reasons only."""

import binascii
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.gateways.base import InvalidSignature
from app.gateways.network import certificates
from app.gateways.paypal import PayPal
from tests.simulator import Fault, paypal_company
from tests.simulator.certificates import Authority


@pytest.fixture(autouse=True)
def _no_memory():
    certificates.forget_all()


@pytest.fixture
def adapter(simulator):
    return simulator.adapter("paypal")


def signed(simulator, body=b'{"id": "WH-1"}', certificate="CERT-simulated", **changes):
    values = {"by": simulator.paypal.signer, "certificate": simulator.paypal.url_of(certificate)} | changes
    return body, dict(paypal_company.sign(body, **values))


def test_a_message_signed_with_a_certificate_of_a_good_chain_is_believed(simulator, adapter):
    assert adapter.verify_webhook(*signed(simulator))


def test_the_certificate_is_fetched_once(simulator, adapter):
    for _ in range(5):
        assert simulator.adapter("paypal").verify_webhook(*signed(simulator))
    assert simulator.faults.count("GET", "/paypal/v1/notifications/certs") == 1


def test_a_kept_certificate_is_fetched_again_the_next_day(simulator, adapter):
    assert adapter.verify_webhook(*signed(simulator))
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        assert adapter.verify_webhook(*signed(simulator))
    assert simulator.faults.count("GET", "/paypal/v1/notifications/certs") == 2


def test_an_altered_body_or_header_is_refused(simulator, adapter):
    body, headers = signed(simulator)
    assert adapter.verify_webhook(body, headers)
    assert not adapter.verify_webhook(body + b" ", headers)
    for name in ("PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-TIME", "PAYPAL-TRANSMISSION-SIG", "PAYPAL-AUTH-ALGO"):
        for value in ("", headers[name] + "x", headers[name].swapcase(), "é\udcff"):
            if value != headers[name]:
                assert not adapter.verify_webhook(body, headers | {name: value})


def test_a_message_for_another_webhook_is_refused_and_one_for_two_is_not(simulator, adapter):
    body, headers = signed(simulator, webhook_id="9ZZ597110X687430LKGECATA")
    assert not adapter.verify_webhook(body, headers)
    ids = (paypal_company.WEBHOOK_ID, "9ZZ597110X687430LKGECATA")
    assert simulator.adapter("paypal", webhook_secrets=ids).verify_webhook(body, headers)


def test_the_event_simulators_id_counts_in_test_mode_alone(simulator, monkeypatch):
    body, headers = signed(simulator, webhook_id="WEBHOOK_ID")
    assert simulator.adapter("paypal").verify_webhook(body, headers)
    assert "WEBHOOK_ID" not in simulator.adapter("paypal", mode="live")._webhook_ids


def test_a_stand_ins_certificates_count_in_test_mode_alone(simulator):
    assert not simulator.adapter("paypal", mode="live").verify_webhook(*signed(simulator))
    assert simulator.faults.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example\\@api.paypal.com/certs/CERT-1",
        "https://evil.example#@api.paypal.com/certs/CERT-1",
        "https://evil.example/?@api.paypal.com/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://[::1]/api.paypal.com/certs",
        "https://[broken/api.paypal.com",
        "https://api.paypal.com/v1/certs/CERT-1\nhttps://evil.example",
        "file:///etc/passwd",
        "HTTPS://API.PAYPAL.COM.EVIL.EXAMPLE/x",
        "https://ⓟaypal.com/x",
        "",
        "x" * 100_000,
    ],
)
def test_an_address_of_somebody_else_is_not_even_fetched(simulator, adapter, monkeypatch, url):
    monkeypatch.setattr(certificates, "_fetch", lambda url: pytest.fail(f"{url} was fetched"))
    body, headers = signed(simulator)
    assert not adapter.verify_webhook(body, headers | {"PAYPAL-CERT-URL": url})


@pytest.mark.parametrize("host", ["api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com"])
def test_paypals_own_addresses_are_fetched(simulator, adapter, monkeypatch, host):
    asked = []
    monkeypatch.setattr(
        certificates, "_fetch", lambda url: asked.append(url) or simulator.paypal.certificates["CERT-simulated"]
    )
    url = f"https://{host}/v1/notifications/certs/CERT-360caa42-fca2a594-df8cd2d5"
    body, headers = signed(simulator)
    assert adapter.verify_webhook(body, headers | {"PAYPAL-CERT-URL": url})
    assert asked == [url]


def serve(simulator, signer, chain: bytes) -> dict[str, object]:
    simulator.paypal.certificates["CERT-other"] = chain
    return {"by": signer, "certificate": simulator.paypal.url_of("CERT-other")}


def refuses(simulator, **by) -> bool:
    body = b'{"id": "WH-1"}'
    return not simulator.adapter("paypal").verify_webhook(body, dict(paypal_company.sign(body, **by)))


def test_an_expired_certificate_is_refused(simulator):
    authority = simulator.paypal.authority
    signer = authority.issue(is_expired=True)
    assert refuses(simulator, **serve(simulator, signer, authority.chain(signer)))


@pytest.mark.parametrize(
    "name", ["evil.example", "paypal.com.evil.example", "evilpaypal.com", "paypal.com", "*.paypal.com"]
)
def test_a_certificate_for_another_name_is_refused(simulator, name):
    authority = simulator.paypal.authority
    signer = authority.issue(name)
    assert refuses(simulator, **serve(simulator, signer, authority.chain(signer)))


def test_a_certificate_of_another_authority_is_refused(simulator):
    stranger = Authority()
    signer = stranger.issue()
    assert refuses(simulator, **serve(simulator, signer, stranger.chain(signer)))
    assert refuses(simulator, **serve(simulator, signer, stranger.chain(signer) + stranger.root.pem))


def test_a_certificate_without_its_chain_is_refused_unless_it_says_where_it_is(simulator):
    authority = simulator.paypal.authority
    signer = authority.issue()
    assert refuses(simulator, **serve(simulator, signer, signer.pem))
    simulator.paypal.certificates["CERT-between"] = authority.between.pem
    found = authority.issue(issuer_at=simulator.paypal.url_of("CERT-between"))
    simulator.paypal.certificates["CERT-alone"] = found.pem
    body, headers = signed(simulator, by=found, certificate="CERT-alone")
    assert simulator.adapter("paypal").verify_webhook(body, headers)


def test_an_authoritys_own_certificate_signs_no_messages(simulator):
    authority = simulator.paypal.authority
    assert refuses(simulator, **serve(simulator, authority.between, authority.between.pem))


@pytest.mark.parametrize("told", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"\x30" * 70_000])
def test_what_is_no_certificate_is_refused(simulator, told):
    assert refuses(simulator, **serve(simulator, simulator.paypal.signer, told))


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.FAULTY, Fault.BAD_GATEWAY, Fault.NO_JSON])
def test_a_certificate_that_cannot_be_had_now_is_had_later(simulator, adapter, fault):
    simulator.faults.plan("GET", "/paypal/v1/notifications/certs", fault)
    assert not adapter.verify_webhook(*signed(simulator))
    assert adapter.verify_webhook(*signed(simulator))


def test_a_stranger_cannot_make_us_fetch_without_end(simulator, adapter):
    for number in range(40):
        assert not adapter.verify_webhook(*signed(simulator, certificate=f"CERT-{number}"))
    assert simulator.faults.count("GET", "/paypal/v1/notifications/certs") == 10


@pytest.mark.parametrize(
    ("age", "is_good"), [(-600, False), (-60, True), (0, True), (3 * 86400, True), (5 * 86400, False)]
)
def test_the_time_of_a_message_is_near_or_within_paypals_retries(simulator, adapter, age, is_good):
    at = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert adapter.verify_webhook(*signed(simulator, at=at)) is is_good


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-11-22", "2026-11-22T10:00:00", "0001-01-01T00:00:00+23:59", "9" * 99]
)
def test_a_time_that_is_none_is_refused(simulator, adapter, at):
    assert not adapter.verify_webhook(*signed(simulator, at=at))


def test_public_roots_are_trusted_when_nothing_stands_in(simulator):
    config = replace(simulator.config("paypal"), options={})
    assert not PayPal(config).verify_webhook(*signed(simulator))
    assert len(certificates._public_roots()) > 50


def test_the_checksum_is_over_the_raw_bytes(simulator, adapter):
    body = '{"id": "WH-1",  "name": "ü\\u00fc"}'.encode()
    assert adapter.verify_webhook(*signed(simulator, body))
    with pytest.raises(InvalidSignature):
        adapter.parse_webhook(body.replace(b"  ", b" "), signed(simulator, body)[1])
    assert binascii.crc32(b"123456789") == 0xCBF43926
