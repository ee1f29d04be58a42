"""Addresses of a customer's pages, with the signature that opens personal data.

The reference number alone shows status only. Everything personal needs `key`, an HMAC of the reference
number that the customer gets in the page they land on and in every mail.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import urlencode

from itsdangerous import Signer


@dataclass(frozen=True, slots=True)
class Links:
    base_url: str
    secret_key: str

    def key(self, reference_number: str) -> str:
        return self._signer().get_signature(reference_number).decode()

    def is_valid(self, reference_number: str, key: str) -> bool:
        # As text: of the last base64 character some bits count for nothing, so others would decode to the same.
        return hmac.compare_digest(self.key(reference_number).encode(), key.encode("utf-8", "replace"))

    def home(self) -> str:
        return f"{self.base_url}/"

    def confirmation(self, reference_number: str) -> str:
        return self._signed(reference_number, "confirmation")

    def pay(self, reference_number: str) -> str:
        return self._signed(reference_number, "pay")

    def receipt(self, reference_number: str) -> str:
        return self._signed(reference_number, "receipt")

    def tracking(self, reference_number: str) -> str:
        return f"{self.base_url}/track/{reference_number}"

    def console_request(self, request_id: object) -> str:
        return f"{self.base_url}/admin/requests/{request_id}"

    def provider_request(self, request_id: object) -> str:
        return f"{self.base_url}/provider/requests/{request_id}"

    def webhook(self, gateway: str) -> str:
        return f"{self.base_url}/api/services/payment/webhook/{gateway}"

    def _signed(self, reference_number: str, page: str) -> str:
        query = urlencode({"key": self.key(reference_number)})
        return f"{self.base_url}/requests/{reference_number}/{page}?{query}"

    def _signer(self) -> Signer:
        return Signer(self.secret_key, salt="customer-link")
