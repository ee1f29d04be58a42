"""How many mails a second a server takes over a line that has nothing else to do.

`python -m tests.benchmarks.bare_line PORT COUNT BYTES` prints it: a program of its own, as a worker is.
"""

import smtplib
import subprocess
import sys
import time

from app.commands.programs import ROOT


def mails_a_second(port: int, count: int, size: int) -> float:
    command = (sys.executable, "-m", __name__, str(port), str(count), str(size))
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def _hand_over(port: int, count: int, size: int) -> float:
    content = b"What a mail says, in lines as long as those of base64 are, and no thought.\r\n" * (size // 76)
    with smtplib.SMTP("127.0.0.1", port, "localhost") as line:
        start = time.perf_counter()
        for _ in range(count):
            line.sendmail("shop@example.com", ["customer@example.com"], content)
        return count / (time.perf_counter() - start)


if __name__ == "__main__":
    print(_hand_over(*map(int, sys.argv[1:])))
