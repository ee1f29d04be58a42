"""What a customer reads when a payment fails, and what to do next. Gateways map their codes to these."""

from collections.abc import Iterable, Mapping

from app.gateways.base import PaymentFailure

_WORDS = {
    "declined": ("Your bank declined the payment.", "Try another card, or ask your bank why."),
    "insufficient_funds": ("There was not enough money in the account.", "Try another card or account."),
    "expired_card": ("The card has expired.", "Use another card."),
    "wrong_code": ("The security code of the card is wrong.", "Check the code and try again."),
    "wrong_details": ("Some of the card or account details are wrong.", "Check them and try again."),
    "authentication_needed": (
        "Your bank wants you to confirm the payment.",
        "Try again and follow your bank's steps (3-D Secure), or use another card.",
    ),
    "authentication_failed": (
        "Your bank could not confirm that it is you.",
        "Try again and confirm the payment with your bank, or use another card.",
    ),
    "not_supported": ("This card or account cannot make this payment.", "Use another card, or pay another way."),
    "over_limit": (
        "The amount is above the limit of the card or account.",
        "Raise the limit with your bank, or pay another way.",
    ),
    "no_answer": (
        "Your bank did not answer in time.",
        "If the money has left your account, wait: it may still arrive here. Otherwise try again.",
    ),
    "trouble": (
        "Your bank or the payment company has a problem right now.",
        "Try again in a few minutes, or pay another way.",
    ),
    "cancelled": ("The payment was cancelled.", "You can pay again whenever you like."),
    "expired": ("The time to pay ran out.", "Start the payment again."),
    "unknown": ("The payment did not go through.", "Try again, or pay another way."),
}


def failure(kind: str, code: str) -> PaymentFailure:
    """`kind` is one of ours, `code` the gateway's own word for it, for staff."""
    message, next_step = _WORDS[kind]
    return PaymentFailure(code[:64], message, next_step)


def first_known(kinds: Mapping[str, str], codes: Iterable[object]) -> PaymentFailure:
    """By the first code that we know, told as the first there is: the closer one comes first."""
    told = [str(code) for code in codes if code] or ["unknown"]
    return failure(next((kinds[code] for code in told if code in kinds), "unknown"), told[0])


def by_code(**codes: str) -> Mapping[str, str]:
    """Our kind for each code of a gateway: `by_code(wrong_code="incorrect_cvc invalid_cvc")`."""
    return {code: kind for kind, listed in codes.items() for code in listed.split()}
