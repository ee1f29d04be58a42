"""Signing in as a test does it: through the page."""

from typing import Any

from app.models import Role, User
from tests.factories import PASSWORD, make_user


def sign_in(client: Any, who: Role | User = Role.ADMIN) -> User:
    """Sign `client` in as this user, or as a new one of this role."""
    user = who if isinstance(who, User) else make_user(who)
    answer = client.post("/login", data={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.text
    return user
