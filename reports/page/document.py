"""The page that explains a run: one file of HTML that needs nothing else and reaches for nothing.

What the page says without its script is written here, from the same summary as text and JSON; what
the script needs is written as data. All of it may come from a hostile target: nothing is markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from html import escape

from reports.page import data, panels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from alloctrace.trace.read import Trace

# One script and one style, joined in this order; each file is one idea.
SCRIPTS = (
    "vendor/d3.js",
    "words.js",
    "run.js",
    "checks.js",
    "due.js",
    "view.js",
    "axis.js",
    "draw.js",
    "strip.js",
    "bins.js",
    "choose.js",
    "card.js",
    "why.js",
    "space.js",
    "blocks.js",
    "filters.js",
    "matrix.js",
    "who.js",
    "sites.js",
    "cells.js",
    "counts.js",
    "tree.js",
    "flame.js",
    "events.js",
    "save.js",
    "start.js",
)
STYLES = ("page.css", "panels.css")

_HERE = os.path.dirname(os.path.abspath(__file__))
_POLICY = "default-src 'none'; %sstyle-src '%s'; base-uri 'none'; form-action 'none'"


def render(summary: dict[str, Any], trace: Trace, beside: Sequence[tuple[str, str]] = ()) -> str:
    """The page as text. `summary`: of summary.summarise, of the same programs of `trace`; `beside`:
    pages in the same folder, [(href, text)]."""
    script, facts = joined(SCRIPTS), data.of(summary, trace)
    body = (
        panels.body(summary, facts, beside),
        '<script type="application/json" id="data">%s</script>\n' % as_data(facts),
        "<script>%s</script>\n" % script,
    )
    return whole(panels.title(summary), joined(STYLES), body, script)


def whole(title: str, style: str, body: Iterable[str], script: str | None = None) -> str:
    """A page that reaches for nothing; of scripts, only `script`, which is in its body, may run."""
    scripts = "script-src '%s'; " % hash_of(script) if script is not None else ""
    return "".join(
        (
            "<!DOCTYPE html>\n",
            '<html lang="en"><head><meta charset="utf-8">\n',
            '<meta http-equiv="Content-Security-Policy" content="%s">\n'
            % (_POLICY % (scripts, hash_of(style))),
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            "<title>%s</title>\n" % escape(title),
            "<style>%s</style></head>\n<body>\n" % style,
            *body,
            "</body></html>\n",
        )
    )


def joined(names: Sequence[str]) -> str:
    """The files, one after the other; a script's in one function, so that nothing is global."""
    parts = []
    for name in names:
        with open(os.path.join(_HERE, name), encoding="utf-8") as file:
            parts.append("/* %s */\n%s" % (name, file.read()))
    text = "\n".join(parts)
    return '\n"use strict";\n(() => {\n%s})();\n' % text if names[0].endswith(".js") else text


def hash_of(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def as_data(value: object) -> str:
    """JSON that ends no element and begins none, whatever is in it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, "\\u%04x" % ord(sign))
    return text
