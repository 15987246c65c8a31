"""record.py SPOOL symbols|no-symbols|recorder PROGRAM [ARG...]: an engine, no trace, no reports.

A process of its own, because launching changes the signals of the process that launches.
Addresses are not randomised, as in the witness's run: malloc's arenas then align alike.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from start import launch  # noqa: E402


def main(spool, symbols, *words):
    options = launch.Options(fixed_addresses=True, timeout=100)
    options.symbols, options.recorder = symbols != "no-symbols", symbols == "recorder"
    outcome = launch.run([os.fsencode(word) for word in words], spool, options)
    return 0 if outcome.complete else 3


sys.exit(main(*sys.argv[1:]))
