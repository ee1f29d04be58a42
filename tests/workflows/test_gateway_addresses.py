"""Where a gateway's address may lead: our keys go along with every request."""

import pytest

from app.db import transaction
from app.errors import InvalidInput
from app.workflows import gateway_setup
from app.workflows.audit import COMMAND
from app.workflows.gateway_setup import GatewayChanges
from app.workflows.place import here

INSIDE = [
    "http://api.example.com",
    "https://localhost",
    "https://127.0.0.1",
    "https://[::1]",
    "https://10.0.0.7",
    "https://192.168.1.1:8443/v1",
    "https://169.254.169.254/latest/meta-data",
    "https://[fd00::1]",
    "https://[::ffff:127.0.0.1]",
    "https://0.0.0.0",
    "https://2130706433",
    "https://0x7f.1",
    "https://127.1",
    "https://intranet",
    "https://db.internal",
    "https://printer.local",
    "https://api.stripe.com@10.0.0.7",
    "https://api.stripe.com@evil.example",
    "file:///etc/passwd",
    "gopher://api.example.com",
    "https://[",
    "//api.example.com",
    "nonsense",
]


@pytest.fixture
def in_production():
    here.is_production = True
    yield
    here.is_production = False


@pytest.mark.parametrize("address", INSIDE)
def test_in_production_nothing_but_the_open_internet_is_asked(in_production, address):
    with pytest.raises(InvalidInput, match="API address"):
        gateway_setup.ensure_outside(address)


@pytest.mark.parametrize("address", ["https://api.stripe.com", "https://api.example.com:8443/v1", "https://8.8.8.8"])
def test_hosts_of_the_open_internet_are(in_production, address):
    gateway_setup.ensure_outside(address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8421/stripe", "http://localhost:1", "https://api.example.com"])
def test_a_stand_in_on_this_machine_will_do_for_trying_out(address):
    gateway_setup.ensure_outside(address)


@pytest.mark.parametrize("address", ["http://api.example.com", "http://10.0.0.7", "ftp://127.0.0.1", "nonsense"])
def test_but_nothing_else_in_plain_text(address):
    with pytest.raises(InvalidInput, match="API address"):
        gateway_setup.ensure_outside(address)


@pytest.mark.sqlite
def test_a_refused_address_is_not_stored(session, in_production):
    changes = GatewayChanges(api_base="https://10.0.0.7")
    with pytest.raises(InvalidInput), transaction():
        gateway_setup.set_up("stripe", changes, actor=COMMAND)


@pytest.mark.sqlite
@pytest.mark.parametrize("text", ["http://127.0.0.1:8421/stripe/", " http://127.0.0.1:8421/stripe// "])
def test_a_slash_at_the_end_is_not_doubled_before_a_path(session, text):
    with transaction():
        config = gateway_setup.set_up("stripe", GatewayChanges(api_base=text), actor=COMMAND)
    assert config.api_base == "http://127.0.0.1:8421/stripe"


def test_an_address_that_is_too_long_is_refused(session):
    changes = GatewayChanges(api_base="http://127.0.0.1/" + "x" * 300)
    with pytest.raises(InvalidInput, match="within 255 characters"), transaction():
        gateway_setup.set_up("stripe", changes, actor=COMMAND)
