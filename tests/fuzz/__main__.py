"""`make fuzz`: many calls made from the API document, on PostgreSQL. FUZZ_ARGS="--cases 20000 --seed 1" by default."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence

from tests.fuzz import runs
from tests.servers import guard
from tests.servers.run import Servers
from tests.servers.worker import Worker

ENDPOINTS = 7


def main(words: Sequence[str]) -> int:
    wanted = _parse(words)
    guard.install()
    # It would write a line for each call.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    servers = Servers()
    worker = Worker(servers.addresses)
    try:
        return _fuzz(worker, wanted.cases, wanted.seed)
    finally:
        worker.close()
        servers.stop()


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="how many calls, at the least")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same calls")
    return parser.parse_args(words)


def _fuzz(worker: Worker, cases: int, seed: int) -> int:
    app = worker.app("postgres")
    worker.web.app = app
    began, failed, round_ = time.monotonic(), 0, 0
    with app.app_context(), runs.counting(app) as tally:
        token = runs.stock()
        narrow = runs.narrowed(app.test_client().get("/api/openapi.json").json)
        # Schemathesis stops early where an endpoint takes little: go on with other seeds until there were enough.
        while tally.calls < cases and not failed:
            for document in (None, narrow):
                examples = max(50, (cases - tally.calls) // (2 * ENDPOINTS))
                outcome = runs.run(worker.web, token, examples=examples, seed=seed + round_, document=document)
                failed |= outcome.returned
                if outcome.returned:
                    print(outcome.said)
            round_ += 1
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(tally.statuses.items()))
    print(
        f"{tally.calls:,} calls with seed {seed} in {time.monotonic() - began:.0f} s ({answers}): "
        f"{len(tally.broken)} broke, {'some did not hold to the document' if failed else 'all held to the document'}"
    )
    print("\n".join(tally.broken[:20]))
    return 1 if failed or tally.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
