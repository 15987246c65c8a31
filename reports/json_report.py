"""The contract object of `report --json`; keys sorted, so that two runs diff clean."""

from __future__ import annotations

import json

from reports import sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def render(summary: dict[str, Any], indent: int = 1) -> str:
    """A summary as JSON text."""
    return json.dumps(plain(summary), indent=indent, sort_keys=True) + "\n"


def plain(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary with the verdict in words added."""
    verdict = dict(summary["verdict"], sentence=sentences.verdict(summary))
    return dict(summary, verdict=verdict)
