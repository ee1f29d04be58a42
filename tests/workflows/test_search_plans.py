"""A search by name begins to answer at once, however many have the name: held against millions of names that
PostgreSQL is made to believe in."""

import pytest
from sqlalchemy import Select, text

from app.admin import paging, request_rows
from app.admin.request_list import RequestList
from app.columns import keyring
from app.db import db
from app.models import RequestStatus
from app.workflows import request_search
from app.workflows.place import here
from app.workflows.request_search import RequestFilters

pytestmark = pytest.mark.postgres

_OWN, _SHARED, _TIMES = 20_000, 1_000, 250
_WORDS = "INSERT INTO service_request_name_words (word_hash, created_at, service_request_id)"
_AT = f"timestamptz '2026-01-01' + n * interval '1 minute', gen_random_uuid() FROM generate_series(1, {_OWN}) AS n"
_ADD_OWN = text(f"{_WORDS} SELECT decode(md5(CAST(n AS text)), 'hex'), {_AT}")
_ADD_SHARED = text(f"{_WORDS} SELECT CAST(:word AS bytea), {_AT} WHERE n % {_OWN // _SHARED} = :place")
_BELIEVE = text(
    f"UPDATE pg_class SET reltuples = reltuples * {_TIMES} WHERE oid IN"
    " (SELECT CAST('service_request_name_words' AS regclass) UNION ALL"
    " SELECT indexrelid FROM pg_index WHERE indrelid = CAST('service_request_name_words' AS regclass))"
)


@pytest.fixture
def millions(session):
    """A twentieth of all are called Kabir, and as many Farhan or Khan; everybody else has a name of their own."""
    connection = session.connection()
    # Words of requests that are nowhere.
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(_ADD_OWN)
    for place, name in enumerate(("kabir", "farhan", "khan")):
        connection.execute(_ADD_SHARED, {"word": keyring.hashes(name, "name")[0], "place": place})
    connection.execute(text("ANALYZE service_request_name_words"))
    connection.execute(_BELIEVE)
    # The file is as short as it was, which would keep workers from it.
    connection.execute(text("SET LOCAL min_parallel_index_scan_size = 0"))
    connection.execute(text("SET LOCAL parallel_setup_cost = 0"))
    yield
    session.rollback()


def plan_of(words: str, status: RequestStatus | None, sort: str) -> str:
    wanted = RequestFilters(text=words, status=status)
    query: Select = request_search.select_requests(wanted, zone=here.zone)
    order = request_rows.as_found(query, RequestList.orders[sort], text=words)
    asked = paging._sorted(request_rows.only_shown(query, ()), order, backwards=False).limit(paging.PAGE_SIZE + 1)
    statement = asked.compile(dialect=db.engine.dialect, compile_kwargs={"render_postcompile": True})
    found = db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", statement.params)
    return "\n".join(line for (line,) in found)


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize("status", [None, RequestStatus.IN_PROGRESS])
@pytest.mark.parametrize("words", ["Kabir", "Kabir Khan", "Farhan Khan", "Kabir Farhan", "Kabir Nobody", "Nobody Else"])
def test_no_name_is_read_to_its_end_before_the_first_row_is_found(millions, words, status, sort):
    plan = plan_of(words, status, sort)
    assert "service_request_name_words" in plan
    for slow in ("Gather", "Seq Scan on service_request_name_words", "Hash Join"):
        assert slow not in plan
    if "Nobody" not in words:
        assert "Sort" not in plan
