"""The list of services as tests read and change it: its cells, its entries in the audit log, its order."""

import json

from sqlalchemy import select

from app.models import AuditEntry, Service
from tests.pages import Page

URL = "/admin/services/"
JSON = {"Accept": "application/json"}


def put(client, row, name, value, *, seen):
    """Change a cell of a service or tier."""
    table = "services" if isinstance(row, Service) else "tiers"
    return client.post(f"/admin/{table}/{row.id}/cell/{name}", json={"value": value, "seen": seen}, headers=JSON)


def entries(session, action):
    session.rollback()
    found = session.scalars(
        select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.created_at, AuditEntry.id)
    )
    return [json.loads(entry.changes) for entry in found]


def names(client, **arguments):
    """In the order of the list."""
    answer = client.get(URL, query_string=arguments)
    return [box["aria-label"].removeprefix("Select ") for box in Page(answer.text).find("input", name="rowid")]
