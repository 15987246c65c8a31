"""The article, reproduced: the page and the JSON of `brkpoint article`, from one set of results.

The results: {"made", "took_s", "versions", "rows": [article_rows.Row as a dict], "programs": {name:
facts}, "evaluator": what article/designs.py takes or None, "skipped": {name: why}, "repeat"}.
Sorted, so that two runs diff clean.
"""

from __future__ import annotations

import json
from collections import Counter

from article import appendix as article_appendix, designs, figures as article_figures
from article import story as article_story
from article.words import FAILS, OPEN, SKIPPED, VERDICTS, ranges, told
from reports.markdown_text import command, escape
from reports.sentences import listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from article.story import Chapter, Story
    from article.words import Fact, Facts

TITLE = "Investigating memory allocations in Rust, reproduced"
ARTICLE = (
    "[Investigating Memory Allocations in Rust](https://ysantos.com), ysantos.com, 15 Jan 2022"
)
MEXE = "[mexe](https://github.com/yds12/mexe)"
SHOWN = 3  # commands of a step


def to_json(results: Fact) -> str:
    return json.dumps(results, indent=1, sort_keys=True) + "\n"


def to_markdown(results: Fact) -> str:
    """The page as text."""
    story = article_story.read()
    rows = {row["claim"]: row for row in results["rows"]}
    parts = [_head(results, story)]
    for number, chapter in enumerate(story.chapters, 1):
        parts.append(_chapter(number, chapter, story, rows, results["programs"]))
    if results["evaluator"]:
        parts.append(designs.to_markdown(results["evaluator"], 3).splitlines())
    parts += [_end(results, story, len(story.chapters) + 1)]
    parts += article_appendix.parts(results, story)
    text = "\n\n".join("\n".join(part) for part in parts if part) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def verdict(results: Fact) -> str:
    """The report in one sentence."""
    counts = Counter(row["verdict"] for row in results["rows"])
    parts = [told(word, counts[word]) for word in VERDICTS if counts[word]]
    return "Of the article's %d steps %s." % (len(results["rows"]), listed(parts))


def _head(results: Fact, story: Story) -> list[str]:
    lines = ["# %s" % TITLE, "", "**%s**" % verdict(results), "", story.start, ""]
    lines += ["The article is %s. Its author was on the way to the crate" % ARTICLE]
    lines += ["%s; thanks for both, the questions and the honest wrong turns." % MEXE, ""]
    lines += [
        "Every value under *here* was measured by brkpoint, and by the article's own tools, in"
    ]
    lines += ["one run on %s: none is quoted. In short:" % escape(results["made"]), ""]
    wrong = [row for row in results["rows"] if row["verdict"] == FAILS]
    lines += ["* Step %d does not hold. %s" % (r["claim"], _in_short(r)) for r in wrong]
    return lines + ([] if wrong else ["* Everything that the article says holds here."])


def _in_short(row: Fact) -> str:
    return "*%s*: %s." % (escape(row["step"]), escape(row["value_here"].split("; ")[0]))


def _chapter(
    number: int, chapter: Chapter, story: Story, rows: dict[int, Fact], programs: Facts
) -> list[str]:
    lines = ["## %d. %s" % (number, chapter.title), "", chapter.text]
    for claim in chapter.claims:
        if claim in rows:
            lines += ["", *_step(rows[claim], story.steps.get(claim, ""))]
            figure = article_figures.lines(claim, programs)
            lines += ["", *figure] if figure else []
    return lines


def _step(row: Fact, text: str) -> list[str]:
    lines = ["### Step %d: %s" % (row["claim"], escape(row["step"])), "", text, ""]
    typed = ", by %s" % command(row["command_2022"]) if row["command_2022"] else ""
    lines.append("* **2022:** %s%s" % (escape(row["value_2022"]), typed))
    if row["verdict"] in (OPEN, SKIPPED):
        why = ": %s" % escape(row["cause"]) if row["cause"] else ""
        return lines + ["* **here:** *%s*%s" % (row["verdict"], why)]
    inferred = " (a tool was not there: concluded from other evidence)" if row["inferred"] else ""
    here = escape(row["value_here"])
    lines.append("* **here:** %s" % here)
    lines.append("* **verdict:** *%s*%s" % (row["verdict"], inferred))
    return lines + _parts("why", list(map(escape, row["cause"].split("; ")))) + _see(row)


def _see(row: Fact) -> list[str]:
    shown: list[str] = [command(typed) for typed in row["command"][:SHOWN]]
    more = len(row["command"]) - len(shown)
    shown += ["%d more like these" % more] if more else []
    shown += [command("make session-%s" % row["session"])] if row["session"] else []
    lines = ["* **see:** %s" % ", ".join(shown)] if shown else []
    return lines + _parts("proof", [command(_events(proof)) for proof in row["proof"]])


def _parts(label: str, texts: list[str]) -> list[str]:
    """One line for one text, a list for several."""
    texts = [text for text in texts if text]
    if len(texts) < 2:
        return ["* **%s:** %s" % (label, text) for text in texts]
    return ["* **%s:**" % label, *("  * %s" % text for text in texts)]


def _events(proof: Fact) -> str:
    return "./brkpoint events %s --seq %s" % (proof["trace"], ranges(proof["seqs"]))


def _end(results: Fact, story: Story, number: int) -> list[str]:
    """The article's real question, asked of the programs at hand."""
    lines = ["## %d. What did your code allocate?" % number, "", story.end, ""]
    lines += article_appendix.yours(results, story)
    lines += ["", "Ask it of any program, and check the answer against strace, ltrace and"]
    lines += ["`/proc/PID/maps`:", "", "```sh", "./brkpoint ./your-program"]
    return lines + ["./brkpoint witnesses ./your-program", "```"]
