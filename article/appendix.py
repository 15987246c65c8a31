"""The tables at the end of the article's page: what the story rests on."""

from __future__ import annotations

from urllib.parse import quote

from article.words import counted
from reports.markdown_text import Made, code, escape, table
from reports.sentences import exact_size, grouped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from article.story import Story
    from article.words import Fact, Facts

# Where allocations are the author's own, and where they only seem so.
ASKED = ("empty", "vec", "vec_reserved", "success", "alloc", "grow", "reserve")


def parts(results: Fact, story: Story) -> Iterator[list[str]]:
    """The sections, each a list of lines."""
    yield _at_a_glance(results)
    yield _side_by_side(results, story)
    yield _programs(results, story)
    yield _limits(results)
    yield _made(results)


def yours(results: Fact, story: Story) -> list[str]:
    """Lines of a table: what each program's own code asked for."""
    rows = []
    for name in ASKED:
        facts = results["programs"].get(name)
        if facts is None:
            continue
        calls = facts["user_calls"]
        rest = facts["calls"] - sum(row["count"] for row in calls.values())
        asked = ["%s %s" % (grouped(row["count"]), call) for call, row in sorted(calls.items())]
        size = sum(row["bytes"] for row in calls.values())
        text = ", ".join(asked) or "nothing"
        rows.append([escape(_what(story, name)), text, grouped(size), grouped(rest)])
    return table(["program", "its own calls", "bytes", "calls of others"], "llrr", rows)


def _what(story: Story, name: str) -> str:
    return story.programs.get(name, name).replace("`", "")


def _at_a_glance(results: Fact) -> list[str]:
    rows = [
        [
            str(row["claim"]),
            escape(row["step"]),
            escape(row["value_2022"]),
            escape(row["value_here"].split("; ")[0]),
            escape(row["verdict"]),
        ]
        for row in results["rows"]
    ]
    head = ["#", "step or claim", "2022", "here", "verdict"]
    return ["## All steps at a glance", ""] + table(head, "rllll", rows)


def _side_by_side(results: Fact, story: Story) -> list[str]:
    """Links to the pages of the witnesses, with what each says in one sentence."""
    rows = []
    for name, facts in results["programs"].items():
        found = facts.get("witnesses")
        if found:
            link = Made("[%s](article/%s)" % (code(name), quote(found["page"])))
            rows.append([link, escape(_what(story, name)), escape(found["verdict"])])
    if not rows:
        return []
    lines = ["## Side by side", ""]
    lines += [
        "What strace, ltrace, gdb and `/proc/PID/maps` each see of one program, event by event:"
    ]
    lines += ["what one of them cannot see is seen by another, and every difference is explained."]
    return lines + [""] + table(["page", "program", "what the witnesses say"], "lll", rows)


def _programs(results: Fact, story: Story) -> list[str]:
    rows = []
    for name, facts in results["programs"].items():
        libc = facts["libc_calls"]
        rows.append(
            [
                _explained(name, facts),
                escape(_what(story, name)),
                grouped(facts["file"].get("bytes", 0)),
                counted(facts["memory_syscalls"]),
                grouped(facts["loader_calls"]),
                "%d / %d / %d" % (libc["before_main"], libc["in_main"], libc["after_main"]),
            ]
        )
    head = ["name", "program", "bytes", "memory syscalls", "loader's calls", "libc's calls"]
    note = (
        "A name leads to the page that explains the run, to be opened in a browser. libc's calls: "
    )
    note += "before the user's main / in it / after it; `free` is not counted."
    return ["## Program by program", "", note, ""] + table(head, "llrlrl", rows)


def _explained(name: str, facts: Fact) -> str:
    made = facts.get("explained")
    return Made("[%s](article/%s)" % (code(name), quote(made))) if made else code(name)


def _limits(results: Fact) -> list[str]:
    lines = ["## What was not seen", ""]
    lines += ["* %s was not run: %s" % (code(n), escape(w)) for n, w in results["skipped"].items()]
    for name, facts in results["programs"].items():
        if not facts["complete"] or facts["events_lost"]:
            lost = "%s events lost" % grouped(facts["events_lost"])
            lines.append("* %s: incomplete; %s" % (code(name), lost))
    lines += _tools(results["programs"])
    lines.append("* What memory is resident, and who touched it: asking is not touching.%s" % (
        _resident(results)))  # fmt: skip
    lines.append("* `shmat`, and what processes that a program makes ask for.")
    return lines


def _tools(programs: Facts) -> Iterator[str]:
    """One line for each tool that was not there or could not be believed, and why."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, facts in programs.items():
        for tool, about in facts.get("typed", {}).items():
            if about["state"] != "ok":
                key = tool.split()[0], about["state"], about["why"]
                found.setdefault(key, []).append(name)
    for (tool, state, why), names in sorted(found.items()):
        of = ", ".join(code(name) for name in dict.fromkeys(names))
        yield "* What %s prints of %s: %s; %s" % (code(tool), of, state, escape(why))


def _resident(results: Fact) -> str:
    found = [
        "%s %s" % (code(name), exact_size(phase["rss_bytes"]))
        for name in ("vec", "untouched")
        for phase in results["programs"].get(name, {}).get("phases", ())
        if phase["phase"] == "exit" and phase["rss_bytes"] is not None
    ]
    return " At the end of main: %s." % ", ".join(found) if found else ""


def _made(results: Fact) -> list[str]:
    versions = sorted(results["versions"].items())
    lines = [
        "## How this was made",
        "",
        "%s, in %d s." % (code(results["repeat"]), results["took_s"]),
    ]
    lines += [
        "The same as data, with every number of an event: article.json; the recorded runs lie"
    ]
    lines += ["beside it, in article/.", ""]
    rows = [[escape(name), escape(text)] for name, text in versions]
    return lines + table(["with", "version"], "ll", rows)
