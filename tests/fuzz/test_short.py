"""A few of the calls that `make fuzz` makes by the thousand."""

import logging

import pytest

from tests.fuzz import runs

SEED = 20_261_123


@pytest.fixture
def _no_chatter():
    log = logging.getLogger("werkzeug")
    usual, log.level = log.level, logging.ERROR
    yield
    log.level = usual


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.usefixtures("_no_chatter")
def test_the_api_holds_to_its_document_and_never_breaks(app, client, session, live_server):
    with runs.counting(app) as tally:
        token = runs.stock()
        outcome = runs.run(live_server, token, examples=1, seed=SEED)
        assert outcome.returned == 0, outcome.said
        narrow = runs.narrowed(client.get("/api/openapi.json").json)
        outcome = runs.run(live_server, token, examples=10, seed=SEED, document=narrow)
        assert outcome.returned == 0, outcome.said
    assert tally.broken == []
    assert tally.calls > 250
    assert {200, 201, 401, 404, 405, 412, 415, 422} <= set(tally.statuses)
