"""Calls that carry a token, which is fetched with the account's id and secret and kept while it lasts (OAuth 2)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import requests

from app.gateways.errors import BadCredentials, GatewayUnavailable
from app.gateways.network.http import PatientSession
from app.kit import clock

_EARLY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Account:
    base: str
    client_id: str
    client_secret: str = field(repr=False)


_tokens: dict[Account, tuple[str, datetime]] = {}


class TokenSession(PatientSession):
    """`token_path` is where the account's server gives out tokens."""

    def __init__(self, account: Account, token_path: str) -> None:
        super().__init__()
        self.account = account
        self.token_path = token_path

    def call(self, method: str, path: str, *, body: Any = None, headers: dict[str, str]) -> requests.Response:
        """Raises GatewayError."""
        ask = partial(self._ask, method, path, body=body, headers=headers)
        try:
            return ask(self.token())
        except BadCredentials:
            # The token may have been taken back before its time.
            return ask(self.token(is_new=True))

    def token(self, *, is_new: bool = False) -> str:
        """Raises GatewayError."""
        kept = _tokens.get(self.account)
        if kept is None or kept[1] <= clock.utc_now() or is_new:
            # Safe to repeat, though it has no idempotency key: a second token harms nobody.
            kept = _tokens[self.account] = self.patience.insist(self._fetch_token)
        return kept[0]

    def _ask(self, method: str, path: str, token: str, *, body: Any, headers: dict[str, str]) -> requests.Response:
        return self.request(
            method, self.account.base + path, json=body, headers={**headers, "Authorization": f"Bearer {token}"}
        )

    def _fetch_token(self) -> tuple[str, datetime]:
        keys = (self.account.client_id, self.account.client_secret)
        wanted = {"grant_type": "client_credentials"}
        answer = self.post(self.account.base + self.token_path, data=wanted, auth=keys)
        try:
            told = answer.json()
            return str(told["access_token"]), clock.utc_now() + timedelta(seconds=told["expires_in"]) - _EARLY
        except (requests.exceptions.JSONDecodeError, KeyError, TypeError) as error:
            raise GatewayUnavailable(details={"reason": "no token"}) from error
