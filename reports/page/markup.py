"""The few shapes of HTML that the panels are made of. Every text is escaped here."""

from __future__ import annotations

from html import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


TALL = 60  # rows: a table with more scrolls in its place


def bdi(text: str) -> str:
    """A text of the target's: whatever direction its letters have, those around it keep theirs."""
    return "<bdi>%s</bdi>" % escape(text)


def tag(name: str, inner: str) -> str:
    return "<%s>%s</%s>" % (name, inner, name)


def section(name: str, title: str, lead: str, inner: str) -> str:
    lead = '<p class="lead">%s</p>' % escape(lead) if lead else ""
    head = '<h2 id="%s-title">%s</h2>%s' % (name, escape(title), lead)
    return '<section id="%s" aria-labelledby="%s-title">%s%s</section>\n' % (
        name,
        name,
        head,
        inner,
    )


def table(name: str, heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """The first column heads its row; what looks like a number stands to the right."""
    head = "".join('<th scope="col">%s</th>' % escape(text) for text in heads)
    lines = []
    for first, *rest in rows:
        cells = "".join("<td%s>%s</td>" % (_side(text), bdi(text)) for text in rest)
        lines.append('<tr><th scope="row">%s</th>%s</tr>' % (bdi(first), cells))
    return (
        '<div class="scroll%s" tabindex="0" role="group" aria-label="%s"><table id="%s">'
        "<caption>%s</caption><thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>"
        % (" tall" if len(rows) > TALL else "", caption, name, caption, head, "".join(lines))
    )


def _side(text: str) -> str:
    return ' class="n"' if text[:1].isdigit() or text[:1] in ("-", "·") else ""
