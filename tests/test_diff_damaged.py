"""diff and check read traces of strangers: what is damaged is a TraceError, and nothing else."""

import random

from alloctrace.budget import judge, language, scopes
from alloctrace.compare import difference
from alloctrace.trace import trace
from mutations import mutate
from reports import diff_markdown, diff_text
from test_diff import LEAK, SUCCESS

ROUNDS = 120
RULES = 'main user calls = 0\nall any peak = 0\nall user in main for "own" live <= 3 when glibc'


def test_damaged_traces_are_refused_or_read(tmp_path):
    chance, path = random.Random(7), str(tmp_path / "damaged.brkpoint")
    data = open(LEAK, "rb").read()
    read = 0
    for _ in range(ROUNDS):
        with open(path, "wb") as file:
            file.write(mutate(chance, data))
        try:
            with trace.open(path) as damaged, trace.open(SUCCESS) as sound:
                for sides in (([damaged], [sound]), ([sound], [damaged])):
                    record = difference.compare(*sides)
                    diff_text.render(record)
                    diff_markdown.render(record)
                judge.judge(language.read(RULES, "f"), [scopes.Run(damaged)])
                read += 1
        except trace.TraceError:
            pass
    assert 0 < read < ROUNDS
