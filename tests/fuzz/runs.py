"""One run of schemathesis against a served application, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import select

from app.db import db
from app.extensions import limiter
from app.models import RequestStatus, Role, Service, ServiceRequest
from tests.api.calls import make_token
from tests.factories import make_gateway, make_provider, make_request, make_service, make_user
from tests.servers.shop import ROOT
from tests.servers.web import WebServer

# A call can be right by the document and still be refused: no such service, a number that no phone has.
LEFT_OUT = "positive_data_acceptance"


@dataclass
class Tally:
    """What the server was asked and how it answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return sum(self.statuses.values())

    def note(self, response: Response) -> Response:
        self.statuses[response.status_code] += 1
        if response.status_code >= 500:
            self.broken.append(f"{request.method} {request.full_path} {request.get_data(as_text=True)[:500]}")
        return response


@dataclass(frozen=True)
class Outcome:
    returned: int
    said: str


@contextmanager
def counting(app: Flask) -> Iterator[Tally]:
    """With no limit on how often one may ask, and errors answered as in production."""
    tally = Tally()
    hooks = app.after_request_funcs.setdefault(None, [])
    hooks.append(tally.note)
    usual, app.config["PROPAGATE_EXCEPTIONS"] = app.config["PROPAGATE_EXCEPTIONS"], False
    limiter.enabled = False
    try:
        yield tally
    finally:
        limiter.enabled = True
        app.config["PROPAGATE_EXCEPTIONS"] = usual
        hooks.remove(tally.note)


def stock() -> str:
    """Rows to meet; the token of a program that may do everything."""
    make_gateway()
    for tiers in (0, 2):
        service = make_service(tiers=tiers)
        make_provider()
        for status in RequestStatus:
            make_request(service, status=status)
    return make_token(make_user(Role.ADMIN))


def narrowed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with ids that exist."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    services = db.session.scalars(select(Service)).all()
    requests = db.session.scalars(select(ServiceRequest)).all()
    providers = {str(row.assigned_provider_id) for row in requests if row.assigned_provider_id}
    schemas = changed["components"]["schemas"]
    wish, buyer = schemas["PurchaseWish"]["properties"], schemas["Buyer"]["properties"]
    wish["serviceId"] = _one_of(service.id for service in services)
    wish["serviceTierId"] = _one_of(tier.id for service in services for tier in service.tiers)
    buyer["email"], buyer["phone"] = _one_of(["kavya@example.org"]), _one_of(["+917000012345", "70000 12345"])
    schemas["RequestChange"]["properties"]["assignedProviderId"] = _one_of(providers)
    known = {"key": [row.id for row in requests], "reference": [row.reference_number for row in requests]}
    for operations in changed["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in known:
                    parameter["schema"] = _one_of(known[parameter["name"]])
    return changed


def run(
    server: WebServer, token: str, *, examples: int, seed: int, document: Mapping[str, Any] | None = None
) -> Outcome:
    """At most `examples` calls of each endpoint besides those for its edges; with a document, of that one."""
    with tempfile.TemporaryDirectory() as folder:
        location = f"{server.url}/api/openapi.json"
        how = ["--phases", "coverage,fuzzing"]
        if document is not None:
            narrow = Path(folder, "openapi.json")
            narrow.write_text(json.dumps(document))
            location, how = str(narrow), ["--mode", "positive", "--phases", "fuzzing", "--url", server.url]
        words = ["run", location, *how, "--max-examples", str(examples), "--seed", str(seed), "--no-color"]
        words += ["-H", f"Authorization: Bearer {token}", "--exclude-checks", LEFT_OUT, "--continue-on-failure"]
        words += ["--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"]
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", *words],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    return Outcome(done.returncode, done.stdout + done.stderr)


def _one_of(values: Any) -> dict[str, Any]:
    return {"type": "string", "enum": sorted({str(value) for value in values})}
