"""Runs the companies for a rehearsal, and says how to point a shop at them."""

import sys

from tests.simulator import Simulator

_SHOP = "http://127.0.0.1:8000/api/services/payment/webhook"


def main() -> None:
    with Simulator(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8421) as simulator:
        for gateway in ("stripe", "razorpay", "paypal"):
            simulator.postman.addresses[gateway] = f"{_SHOP}/{gateway}"
            config = simulator.config(gateway)
            print(
                f"flask --app wsgi set-gateway {gateway} --mode test --active --api-key {config.api_key}"
                f" --api-secret {config.api_secret} --webhook-secret {config.webhook_secrets[0]}"
                f" --api-base {config.api_base}"
            )
        print("# The shop cannot believe PayPal's webhooks here, for want of a public root: it asks on the way back.")
        print("Ready. Their webhooks go to the shop on port 8000. Ctrl-C ends it.", flush=True)
        simulator.wait()


if __name__ == "__main__":
    main()
