"""The three companies behind one socket on this machine."""

import threading
from dataclasses import replace

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import gateways
from app.gateways import Gateway, PaymentGatewayConfig
from tests.simulator import paypal_company, razorpay_company, stripe_company
from tests.simulator.faults import Faults
from tests.simulator.ledger import Ledger
from tests.simulator.paypal_company import PayPalCompany
from tests.simulator.postman import Postman
from tests.simulator.razorpay_company import RazorpayCompany
from tests.simulator.stripe_company import StripeCompany

_KEYS = {
    "stripe": (stripe_company.PUBLISHABLE_KEY, stripe_company.SECRET_KEY, stripe_company.WEBHOOK_SECRET),
    "razorpay": (razorpay_company.KEY_ID, razorpay_company.KEY_SECRET, razorpay_company.WEBHOOK_SECRET),
    "paypal": (paypal_company.CLIENT_ID, paypal_company.CLIENT_SECRET, paypal_company.WEBHOOK_ID),
}


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Calls are counted by `Faults`; connections cut on purpose are no news."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True


class Simulator:
    """Use it as a context manager: `with Simulator() as simulator: simulator.adapter("stripe")`."""

    def __init__(self, port: int = 0) -> None:
        self.ledger = Ledger()
        self.postman = Postman()
        self.stripe = StripeCompany(self.ledger, self.postman)
        self.razorpay = RazorpayCompany(self.ledger, self.postman)
        self.paypal = PayPalCompany(self.ledger, self.postman)
        app = Flask(__name__)
        app.register_blueprint(self.stripe.blueprint)
        app.register_blueprint(self.razorpay.blueprint)
        app.register_blueprint(self.paypal.blueprint)
        self.faults = Faults(app)
        self._server = make_server("127.0.0.1", port, self.faults, threaded=True, request_handler=_Quiet)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.paypal.address = f"{self.url}/paypal"
        self._thread = threading.Thread(target=self._server.serve_forever, name="simulator", daemon=True)

    def __enter__(self) -> "Simulator":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.stop_hanging()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def clear(self) -> None:
        """As on the first day; tokens and certificates stay."""
        self.ledger.clear()
        self.faults.clear()
        self.postman.clear()

    def wait(self) -> None:
        try:
            self._thread.join()
        except KeyboardInterrupt:
            print("Ended.")

    @staticmethod
    def keys(gateway: str, **changes: object) -> PaymentGatewayConfig:
        """The credentials that a company gave us."""
        key, secret, webhook_secret = _KEYS[gateway]
        config = PaymentGatewayConfig(gateway, "test", key, secret, (webhook_secret,))
        return replace(config, **changes)  # type: ignore[arg-type]

    def config(self, gateway: str) -> PaymentGatewayConfig:
        """With the addresses of this machine."""
        roots = {"webhook_roots": self.paypal.authority.root.pem.decode()} if gateway == "paypal" else {}
        return self.keys(gateway, api_base=f"{self.url}/{gateway}", options=roots)

    def adapter(self, gateway: str, **changes: object) -> Gateway:
        return gateways.create(replace(self.config(gateway), **changes))  # type: ignore[arg-type]
