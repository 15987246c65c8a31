"""The contract object of `report --json`; keys sorted, so that two runs diff clean."""

from __future__ import annotations

import json

from reports import sentences


def render(summary, indent=1):
    """The summary as JSON text, with the verdict in words added."""
    record = dict(summary)
    record["verdict"] = dict(summary["verdict"], sentence=sentences.verdict(summary))
    return json.dumps(record, indent=indent, sort_keys=True) + "\n"
