"""Writes the generated files: `make readme`. With --check it only says which are out of date."""

from __future__ import annotations

import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TOP)

import completion  # noqa: E402
import formats_table  # noqa: E402
import manual  # noqa: E402
import options  # noqa: E402
import report_samples  # noqa: E402
import transcript  # noqa: E402

from alloctrace.purpose import manual as purpose_manual  # noqa: E402


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


def from_sources():
    """{file: text} of what parsers and rule tables determine."""
    verbs = options.verbs()
    bash = completion.bash(read("completions/brkpoint.bash.in"), verbs)
    zsh = completion.zsh(read("completions/_brkpoint.in"), verbs)
    return {
        "docs/man/brkpoint.1": manual.render(read("docs/man/brkpoint.1.in"), verbs),
        "docs/exports.md": formats_table.replaced(read("docs/exports.md")),
        "docs/purposes.md": purpose_manual.replaced(read("docs/purposes.md")),
        "completions/brkpoint.bash": bash,
        "completions/brkpoint.fish": completion.fish(verbs),
        "completions/_brkpoint": zsh,
    }


def write(texts):
    for name, text in texts.items():
        with open(os.path.join(TOP, name), "w", encoding="utf-8") as file:
            file.write(text)


def out_of_date(texts):
    return [
        name
        for name, text in texts.items()
        if not os.path.exists(os.path.join(TOP, name)) or read(name) != text
    ]


def main(args):
    texts = from_sources()
    if args == ["--check"]:
        drifted = out_of_date(texts)
        print("".join("%s is out of date: make readme\n" % name for name in drifted), end="")
        return 1 if drifted else 0
    write(texts)
    failed = 0
    for name, of in (("README.md", transcript), ("docs/report.md", report_samples)):
        try:
            write({name: of.put(read(name), of.take(TOP))})
        except transcript.Failed as error:
            print("%s stays as it was: %s" % (name, error), file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
