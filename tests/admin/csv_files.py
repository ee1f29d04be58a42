"""CSV files as people import and export them."""

import io

from sqlalchemy import select

from app.models import Service
from tests.pages import Page

URL = "/admin/services/import/"
PROVIDERS = "/admin/providers/import/"
HEADINGS = (
    "Id,Service,Tier,Category,Price,Currency,On sale,Hours to first contact,In one sentence,Description,What is in it"
)
NEW = ',GST registration,,Legal,"2,499.00",inr,yes,24,Your GSTIN.,At length.,"Filed\nCertificate"'
TIER = ",GST registration,Express,,4499,,no,,,,Fast"


def check(client, content, url=URL):
    """Upload it; the address of the page that says what it would do."""
    content = content.encode() if isinstance(content, str) else content
    answer = client.post(url, data={"file": (io.BytesIO(content), "list.csv")})
    assert answer.status_code == 302, Page(answer.text).words
    return answer.location


def refusal(client, content, url=URL):
    content = content.encode() if isinstance(content, str) else content
    answer = client.post(url, data={"file": (io.BytesIO(content), "list.csv")})
    assert answer.status_code == 422
    return Page(answer.text).words


def words(client, page, part="all"):
    return Page(client.get(f"{page}?show={part}").text).words


def save(client, page):
    answer = client.post(f"{page}/confirm")
    assert answer.status_code == 303
    return Page(client.get(answer.location).text).words


def lines(client, page, part):
    return Page(client.get(f"{page}?show={part}").text).words.partition("Verdict What ")[2]


def export(client, table="services", **arguments):
    return client.get(f"/admin/{table}/export/csv/", query_string=arguments, buffered=True).data


def services(session):
    session.rollback()
    session.expire_all()
    return session.scalars(select(Service).order_by(Service.sort_order, Service.name)).all()
