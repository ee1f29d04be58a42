"""Who calls an endpoint of staff: somebody signed in to the console, or a program with a bearer token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from flask import Response, current_app, g, request
from flask_login import current_user
from werkzeug.exceptions import Unauthorized

from app.db import transaction
from app.errors import NotAllowed
from app.extensions import csrf
from app.models import ActorKind, Role, User
from app.workflows import api_tokens
from app.workflows.api_tokens import Scope, TokenRefused
from app.workflows.audit import Actor, actor_of

Guarded = Callable[..., Response]

ROLES: dict[Scope, frozenset[Role]] = {
    Scope.READ_REQUESTS: frozenset({Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER}),
    Scope.CHANGE_REQUESTS: frozenset({Role.ADMIN, Role.OPERATOR}),
    Scope.READ_CUSTOMERS: frozenset({Role.ADMIN, Role.OPERATOR, Role.FINANCE}),
}
"""As in the console: a token does nothing that its owner could not do there."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`scopes` are what this call may do: of the token, and of the role of whom it acts for."""

    user: User
    actor: Actor
    scopes: frozenset[Scope]

    @property
    def is_person(self) -> bool:
        return self.actor.kind is ActorKind.USER


def needs(scope: Scope) -> Callable[[Guarded], Guarded]:
    """Give the view its `caller`. Raises Unauthorized, TokenRefused and NotAllowed; CSRFError for a session."""

    def decorate(view: Guarded) -> Guarded:
        @wraps(view)
        def guarded(**arguments: Any) -> Response:
            caller = _identify()
            if scope not in caller.scopes:
                raise NotAllowed(_why_not(caller, scope))
            return view(**arguments, caller=caller)

        return guarded

    return decorate


def _identify() -> Caller:
    if "Authorization" in request.headers:
        return _of_token()
    if not current_user.is_authenticated:
        raise Unauthorized
    if current_app.config["WTF_CSRF_ENABLED"]:
        # Another site may send a browser's session along; it cannot know the token.
        csrf.protect()
    user = cast(User, current_user._get_current_object())
    return Caller(user, actor_of(user, request.remote_addr), _of_role(user))


def _of_token() -> Caller:
    credentials = request.authorization
    if credentials is None or credentials.type != "bearer" or not credentials.token:
        raise TokenRefused("Send the token as `Authorization: Bearer cf_…`.")
    row = api_tokens.get_valid(credentials.token)
    g.caller_id = str(row.user_id)
    if api_tokens.is_use_news(row):
        with transaction():
            api_tokens.note_use(row)
    actor = Actor(ActorKind.TOKEN, row.user_id, request.remote_addr, row.id)
    return Caller(row.user, actor, api_tokens.scopes_of(row) & _of_role(row.user))


def _of_role(user: User) -> frozenset[Scope]:
    return frozenset(scope for scope, roles in ROLES.items() if user.role in roles)


def _why_not(caller: Caller, scope: Scope) -> str:
    if caller.user.role not in ROLES[scope]:
        return f"The role {caller.user.role.label} may not {scope.label.partition(':')[0]}."
    return f"This token may not {scope.label.partition(':')[0]}: it has no scope {scope}."
