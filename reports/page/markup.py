"""The few shapes of HTML that the panels are made of. Every text is escaped here."""

from __future__ import annotations

from html import escape


TALL = 60  # rows: a table with more scrolls in its place


def bdi(text):
    """A text of the target's: whatever direction its letters have, those around it keep theirs."""
    return "<bdi>%s</bdi>" % escape(text)


def tag(name, inner):
    return "<%s>%s</%s>" % (name, inner, name)


def section(name, title, lead, inner):
    lead = '<p class="lead">%s</p>' % escape(lead) if lead else ""
    head = '<h2 id="%s-title">%s</h2>%s' % (name, escape(title), lead)
    return '<section id="%s" aria-labelledby="%s-title">%s%s</section>\n' % (
        name,
        name,
        head,
        inner,
    )


def table(name, heads, rows, caption):
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


def _side(text):
    return ' class="n"' if text[:1].isdigit() or text[:1] in ("-", "·") else ""
