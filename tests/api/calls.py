"""Calling the endpoints of staff, as a program with a token does."""

from typing import Any

from app.db import transaction
from app.models import Role, ServiceRequest, User
from app.workflows import api_tokens
from app.workflows.api_tokens import Scope
from app.workflows.audit import SYSTEM
from tests.factories import make_user

ADDRESS = "/api/admin/services/requests"


def make_token(owner: User, *scopes: Scope, name: str = "A program") -> str:
    with transaction():
        return api_tokens.create(owner, name, scopes or list(Scope), actor=SYSTEM).secret


def bearer(owner: User | Role = Role.OPERATOR, *scopes: Scope, **changes: Any) -> dict[str, str]:
    user = owner if isinstance(owner, User) else make_user(owner)
    return {"Authorization": f"Bearer {make_token(user, *scopes, **changes)}"}


def change(client: Any, request: ServiceRequest, body: dict[str, Any], headers: dict[str, str]) -> Any:
    return client.patch(f"{ADDRESS}/{request.id}", json=body, headers=headers)


def listed(client: Any, token: dict[str, str], **query: object) -> dict[str, Any]:
    answer = client.get(ADDRESS, query_string=query, headers=token)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found
