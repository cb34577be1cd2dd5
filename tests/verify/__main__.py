"""Measures every promise, or those of some issues, and prints one table; ends with 1 if one does not hold."""

import argparse
import sys
import time

from features.kernel.console import err, table
from tests.verify.promises import PROMISES

WORDS = {True: "holds", False: "does not hold", None: "read it"}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issue", type=int, action="append", help="only the promises of this issue; again for more")
    chosen = parser.parse_args().issue
    lines, failed = [], False
    for promise in PROMISES:
        if chosen and promise.issue not in chosen:
            continue
        err.print(f"verify: {promise.issue}.{promise.point} {promise.what}")
        started = time.monotonic()
        figure = promise.measure()
        failed |= figure.holds is False
        seconds = f"{time.monotonic() - started:,.0f}"
        lines.append((f"{promise.issue}.{promise.point}", promise.what, figure.text, WORDS[figure.holds], seconds))
    table(("promise", "what", "figure", "result", "seconds"), lines, "what was promised")
    sys.exit(failed)


if __name__ == "__main__":
    main()
