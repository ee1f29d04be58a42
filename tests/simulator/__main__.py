"""Runs the companies for a rehearsal, and says how to point a shop at them.

`python -m tests.simulator [PORT [SHOP]]`; their webhooks go to the shop, by default the one of `make demo`.
"""

import sys
import tempfile
from pathlib import Path

from tests.simulator import Simulator

_PORT, _SHOP = 8421, "http://127.0.0.1:8000"


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else _PORT
    shop = sys.argv[2] if len(sys.argv) > 2 else _SHOP
    with tempfile.TemporaryDirectory() as folder, Simulator(port=port) as simulator:
        for gateway in ("stripe", "razorpay", "paypal"):
            simulator.postman.addresses[gateway] = f"{shop}/api/services/payment/webhook/{gateway}"
            print(_command(simulator, gateway, Path(folder)))
        print(f"Ready. Webhooks go to {shop}. Ctrl-C ends it.", flush=True)
        simulator.wait()


def _command(simulator: Simulator, gateway: str, folder: Path) -> str:
    config = simulator.config(gateway)
    words = [
        f"flask --app wsgi set-gateway {gateway} --mode test --active --api-key {config.api_key}",
        f"--api-secret {config.api_secret} --webhook-secret {config.webhook_secrets[0]} --api-base {config.api_base}",
    ]
    for name, value in config.options.items():
        path = folder / name
        path.write_text(value)
        words.append(f"--option {name}=@{path}")
    return " ".join(words)


if __name__ == "__main__":
    main()
