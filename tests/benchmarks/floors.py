"""The least that requests of each kind can cost: tiny applications under the server that the product runs under.

`gunicorn tests.benchmarks.floors:app`, with the database in BENCH_DATABASE_URL.
"""

import csv
import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask, Response, jsonify, render_template_string, request
from sqlalchemy.engine import make_url

ROWS = 50
SECRET = b"a-secret-of-the-floors"
_URL = make_url(os.environ.get("BENCH_DATABASE_URL", "sqlite://"))
_IS_POSTGRES = _URL.get_backend_name() == "postgresql"
_PARAGRAPH = "A page of eight kilobytes, as a shop's pages are. "

_PAGE = """<!doctype html><title>{{ name }}</title>{% for number in range(40) %}
<section class="card"><h2>{{ name }} {{ number }}</h2><p>{{ paragraph }}{{ paragraph }}{{ paragraph }}</p></section>
{% endfor %}"""
_LIST = """<!doctype html><title>Requests</title><table>{% for row in rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"""

_ONE_SERVICE = "SELECT name FROM services LIMIT 1"
_KEYSET = """SELECT r.id, r.reference_number, s.name, r.tier_name, u.name, r.created_at, r.amount_minor, r.currency,
  r.payment_status, r.status, r.due_at
FROM service_requests r JOIN services s ON s.id = r.service_id LEFT JOIN users u ON u.id = r.assigned_provider_id
WHERE (r.created_at, r.id) < (?, ?) ORDER BY r.created_at DESC, r.id DESC LIMIT 50"""
_EVERYTHING = """SELECT r.reference_number, r.created_at, r.service_name, r.tier_name, r.customer_name_sealed,
  r.customer_email_sealed, r.customer_phone_sealed, r.amount_minor, r.currency, r.payment_status, r.status,
  r.payment_gateway, r.affiliate_code, u.name
FROM service_requests r LEFT JOIN users u ON u.id = r.assigned_provider_id ORDER BY r.created_at DESC, r.id DESC"""
_OTHER = "CASE status WHEN 'in_progress' THEN 'team_assigned' ELSE 'in_progress' END"
_UPDATE = f"UPDATE service_requests SET status = {_OTHER}, updated_at = ?, version = version + 1 WHERE id = ?"
_HISTORY = f"""INSERT INTO service_request_status_history
  (id, service_request_id, old_status, new_status, created_at, is_undone)
  SELECT ?, id, {_OTHER}, status, ?, false FROM"""
_BOTH = f"WITH changed AS ({_UPDATE} RETURNING id, status) {_HISTORY} changed"
_RECEIVE = "INSERT INTO bench_events (id, body) VALUES (?, ?)"
EVENTS = "CREATE TABLE IF NOT EXISTS bench_events (id char(32) PRIMARY KEY, body text NOT NULL)"

app = Flask(__name__)
_local = threading.local()


def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """On this thread's connection; each statement is a transaction."""
    if not hasattr(_local, "connection"):
        _local.connection = _connect()
    text = statement.replace("?", "%s") if _IS_POSTGRES else statement
    cursor = _local.connection.execute(text, values)
    return cursor.fetchall() if statement.startswith("SELECT") else []


def _connect(*, autocommit: bool = True) -> Any:
    if _IS_POSTGRES:
        url = _URL.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=autocommit)
    connection = sqlite3.connect(_URL.database or "", isolation_level=None, timeout=10)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@app.get("/hello")
def hello() -> Response:
    return jsonify(hello="world", number=1)


@app.get("/page")
def page() -> str:
    ((name,),) = run(_ONE_SERVICE)
    return render_template_string(_PAGE, name=name, paragraph=_PARAGRAPH)


@app.get("/list")
def ideal_list() -> str:
    rows = run(_KEYSET, request.args["at"], request.args["key"])
    return render_template_string(_LIST, rows=rows)


@app.get("/export")
def export() -> Response:
    return Response(_lines(), mimetype="text/csv")


def _lines() -> Iterator[str]:
    """A cursor on the server, as many rows at a time as the product takes."""
    writer = csv.writer(_Echo())
    with closing(_connect(autocommit=False)) as connection:
        cursor = connection.cursor(name="export") if _IS_POSTGRES else connection.cursor()
        cursor.execute(_EVERYTHING)
        while rows := cursor.fetchmany(1_000):
            yield "".join(map(writer.writerow, rows))


class _Echo:
    def write(self, line: str) -> str:
        return line


@app.post("/update")
def ideal_update() -> Response:
    """Of a request that is begun or waits for that: to the other of the two."""
    key, at, change = request.args["key"], request.args["at"], uuid4().hex
    if _IS_POSTGRES:
        run(_BOTH, at, key, change, at)
    else:
        run("BEGIN IMMEDIATE")
        run(_UPDATE, at, key)
        run(f"{_HISTORY} service_requests WHERE id = ?", change, at, key)
        run("COMMIT")
    return jsonify(saved=True)


@app.post("/webhook")
def webhook() -> Response:
    body = request.get_data()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("X-Signature", "")):
        return Response(status=400)
    run(_RECEIVE, secrets.token_hex(16), body.decode())
    return jsonify(received=True)
