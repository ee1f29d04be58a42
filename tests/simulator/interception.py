"""Lets a browser find the simulator at the gateways' own addresses, so that pages are tried as they are served."""

from typing import Any

from tests.simulator.server import Simulator

_PLACES = {
    "https://js.stripe.com": "stripe",
    "https://api.stripe.com": "stripe",
    "https://checkout.razorpay.com": "razorpay",
    "https://api.razorpay.com": "razorpay",
}
# The gateways let any page call them.
_ANYBODY = {"Access-Control-Allow-Origin": "*"}


def intercept(context: Any, simulator: Simulator) -> None:
    """`context` is a browser context or page of Playwright."""
    for origin, company in _PLACES.items():
        context.route(f"{origin}/**", _forward(origin, f"{simulator.url}/{company}"))


def _forward(origin: str, place: str) -> Any:
    def forward(route: Any) -> None:
        answer = route.fetch(url=route.request.url.replace(origin, place, 1))
        route.fulfill(response=answer, headers={**answer.headers, **_ANYBODY})

    return forward
