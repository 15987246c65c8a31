"""The contract object of `report --json`; keys sorted, so that two runs diff clean."""

from __future__ import annotations

import json

from reports import sentences


def render(summary, indent=1):
    """The record as JSON text."""
    return json.dumps(record(summary), indent=indent, sort_keys=True) + "\n"


def record(summary):
    """The summary with the verdict in words added."""
    verdict = dict(summary["verdict"], sentence=sentences.verdict(summary))
    return dict(summary, verdict=verdict)
