"""The API document is true, and the page made from it can be read."""

import json

import pytest

from app.api import error_codes, openapi
from app.api.contract import ANSWER
from app.models import Role
from tests.api.calls import bearer, change
from tests.factories import make_gateway, make_request, make_service
from tests.pages import Page

# What is about the document itself.
ABOUT = {"/api/openapi.json", "/api/docs"}


@pytest.fixture
def document(client):
    return client.get("/api/openapi.json").json


def test_every_endpoint_is_in_it(app, document):
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/") and rule.rule not in ABOUT]
    assert rules
    assert not [rule for rule in rules if not hasattr(app.view_functions[rule.endpoint], ANSWER)]
    assert len(rules) == sum(len(operations) for operations in document["paths"].values())


def test_it_is_openapi_as_the_standard_has_it(document):
    import jsonschema_rs

    assert document["openapi"] == "3.1.0"
    assert {"token", "session"} == set(document["components"]["securitySchemes"])
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.validator_for({"components": document["components"], **schema})


def test_each_endpoint_says_what_it_takes_and_how_it_refuses(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"], where
            assert {"405", "429", "500", "503"} <= set(operation["responses"]), where
            assert all(each.get("description") for each in operation["parameters"]), where
    purchase = document["paths"]["/api/services/purchase"]["post"]
    assert [each["name"] for each in purchase["parameters"]] == ["Idempotency-Key"]
    staff = document["paths"]["/api/admin/services/requests/{key}"]["patch"]
    assert "If-Match" in [each["name"] for each in staff["parameters"]]
    assert staff["security"]


def test_its_examples_are_taken(client, session, document):
    make_gateway()
    service = make_service()
    fields = document["components"]["schemas"]
    buyer = {name: each["example"] for name, each in fields["Buyer"]["properties"].items()}
    body = {"serviceId": str(service.id), "customer": buyer, "affiliateCode": "ASHA10"}
    (header,) = document["paths"]["/api/services/purchase"]["post"]["parameters"]
    answer = client.post("/api/services/purchase", json=body, headers={header["name"]: header["schema"]["example"]})
    assert answer.status_code == 201


def test_answers_have_every_field_of_their_schema_and_no_other(client, session, document):
    import jsonschema_rs

    request = make_request(make_service(tiers=2))
    token = bearer(Role.ADMIN)
    answers = {
        "Catalogue": client.get("/api/services"),
        "Tracking": client.get(f"/api/services/requests/{request.reference_number}"),
        "StaffRequests": client.get("/api/admin/services/requests", headers=token),
        "ChangedRequest": change(client, request, {"status": "in_progress"}, token),
        "Errors": client.get("/api/admin/services/requests"),
    }
    closed = json.loads(json.dumps(document["components"]))
    for schema in closed["schemas"].values():
        schema["additionalProperties"] = False
    # The one field whose names are those of other fields.
    for name, answer in answers.items():
        schema = {"components": closed, "$ref": f"#/components/schemas/{name}"}
        jsonschema_rs.validate(schema, answer.json)


def test_every_code_of_an_endpoint_is_explained(app, document):
    listed = document["components"]["schemas"]["Error"]["properties"]["code"]["enum"]
    for _, _, operation in openapi.operations(app):
        assert set(openapi.codes_of(operation)) <= set(listed)
    for code in listed:
        assert error_codes.all_codes()[code].action, f"{code}: say what to do"


def test_the_page_shows_every_endpoint_and_code(client, document):
    answer = client.get("/api/docs")
    page = Page(answer.text)
    for path in document["paths"]:
        assert path in page.words
    for code in document["components"]["schemas"]["Error"]["properties"]["code"]["enum"]:
        assert f'id="error-{code}"' in answer.text
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    for _, attributes in page.elements:
        assert "style" not in attributes
