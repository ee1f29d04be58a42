"""Who a partner's page is for."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, cast

from flask import make_response
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.errors import NotAllowed
from app.extensions import login_manager
from app.models import Role, User

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


def only(role: Role) -> Callable[[View[P]], View[P]]:
    """The page is for signed-in users of this role; its answers stay out of caches."""

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*arguments: P.args, **named: P.kwargs) -> ResponseReturnValue:
            if not current_user.is_authenticated:
                return cast(ResponseReturnValue, login_manager.unauthorized())
            if current_user.role is not role:
                raise NotAllowed(f"These pages are for {role.label.lower()}s.")
            response = make_response(view(*arguments, **named))
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return guarded

    return guard


def user() -> User:
    return cast(User, current_user._get_current_object())
