"""Static files are small on their way, and the same when they arrive."""

import gzip
import re
from argparse import Namespace
from functools import partial

import pytest

from app import assets
from tests.factories import make_gateway, make_service

pytestmark = pytest.mark.sqlite
GZIP = {"Accept-Encoding": "br;q=1, gzip;q=0.8"}
STYLES = "/static/site.css"


@pytest.fixture
def client(app):
    """Reads an answer to its end, and closes the file that it comes from."""
    client = app.test_client()
    return Namespace(
        **{name: partial(getattr(client, name), buffered=True) for name in ("get", "head", "post")},
    )


def test_a_text_goes_out_compressed_to_whoever_takes_that(client):
    plain, short = client.get(STYLES), client.get(STYLES, headers=GZIP)
    assert (plain.headers.get("Content-Encoding"), short.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(short.data) == plain.data
    assert short.content_length == len(short.data) < len(plain.data) / 2
    for name in ("Content-Type", "Cache-Control", "X-Content-Type-Options", "Vary"):
        assert short.headers[name] == plain.headers[name]
    assert short.headers["Vary"] == "Accept-Encoding"
    assert short.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("refused", ["", "identity", "gzip;q=0", "br"])
def test_who_does_not_take_it_gets_the_file_as_it_is(client, refused):
    assert client.get(STYLES, headers={"Accept-Encoding": refused}).data == (assets.ROOT / "site.css").read_bytes()


def test_what_a_browser_has_is_not_sent_again(client):
    etag = client.get(STYLES, headers=GZIP).headers["ETag"]
    again = client.get(STYLES, headers={**GZIP, "If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)


def test_a_question_for_the_headers_has_no_body_and_a_part_is_one_of_the_plain_file(client):
    head = client.head(STYLES, headers=GZIP)
    assert (head.data, head.content_length) == (b"", len(client.get(STYLES, headers=GZIP).data))
    part = client.get(STYLES, headers={**GZIP, "Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, (assets.ROOT / "site.css").read_bytes()[:10])
    assert client.post(STYLES, headers=GZIP).status_code == 405


def test_only_the_shop_window_is_a_compressed_page(client, session):
    make_gateway()
    service = make_service(tiers=1)
    home = client.get("/", headers=GZIP)
    assert gzip.decompress(home.data).decode() == client.get("/").text
    assert "Accept-Encoding" in home.headers["Vary"]
    # It holds a token, and the address can put words of a stranger's choice beside it.
    assert "Content-Encoding" not in client.get(f"/services/{service.id}?ref=x", headers=GZIP).headers


def test_a_first_visit_of_the_checkout_page_is_less_than_fifty_kilobytes(client, session):
    make_gateway()
    page = client.get(f"/services/{make_service(tiers=3).id}", headers=GZIP)
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(files) >= 4
    assert len(page.data) + sum(len(client.get(path, headers=GZIP).data) for path in files) < 25 * 1024
