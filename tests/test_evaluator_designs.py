"""The story of the three designs: what follows from numbers, and that a run gives the numbers."""

import json
from types import SimpleNamespace

import pytest

import target_programs
from article import designs, designs_runs as runs, words as article_words


def speed(ns, faults=0.0):
    return {"ns_per_byte": ns, "faults": faults}


def made(slow=(30.0, 31.0), plain=(10.0, 10.0), fast=(2.0, 2.0)):
    """A record, with speeds of list, array and mexe at 1000 and 100000 bytes."""
    calls = ({"free": 79, "malloc": 79}, {"free": 4, "realloc": 12}, {})
    found = {}
    for name, ns, counts in zip(designs.TOLD, (slow, plain, fast), calls):
        fact = {"calls": counts, "asked_bytes": 1896, "peak_bytes": 768, "syscalls": {}}
        speeds = {"1000": speed(ns[0]), "100000": speed(ns[1], 18.8)}
        found[name] = {"told": "", "small": fact, "long": fact, "speed": speeds}
    return {
        "made": "2026-11-25, Linux", "recorded": "by hand", "repeat": "make x",
        "sizes": [1000, 100000], "long_bytes": 1009, "designs": found,
    }  # fmt: skip


def test_what_the_list_takes_longer_is_allocation():
    record = made()
    assert designs.share(record, 1000) == pytest.approx(2 / 3)
    assert designs.times(record, 1000, designs.LIST) == pytest.approx(15)
    assert designs.call_ns(record, 1000) == pytest.approx(20 * 1009 / (158 - 16))


@pytest.mark.parametrize(
    "speeds, verdict",
    [
        ({}, article_words.HOLDS),
        ({"plain": (20.0, 20.0)}, article_words.EXPLAINED),  # allocation is a third
        ({"slow": (30.0, 3000.0)}, article_words.FAILS),  # a hundred times the length: O(n^2)
        ({"fast": (2.0, 7.0)}, article_words.FAILS),
    ],
)
def test_the_verdict_on_the_claim(speeds, verdict):
    value, cause, word = designs.answer(made(**speeds))
    assert word == verdict and value and cause


def test_the_page_tells_the_numbers():
    page = designs.to_markdown(made())
    assert "158 calls" in page and "an array 16, mexe none" in page
    assert "79 free and 79 malloc" in page and "It is O(n)" in page
    assert "67 % (1,000 bytes)" in page and "| 18.8 |" in page
    assert designs.to_markdown(made(), level=2).startswith("## ")
    assert "It is not O(n) here" in designs.to_markdown(made(slow=(1.0, 100.0)))


def event(name, origin="user", kind="call", **more):
    more = {"size": None, "nmemb": None, "ptr": None, "result": 1, "errno": None, **more}
    more = {"outer": None, "block": None, "image": 0, "tid": 1, "seq": 0, "t_ns": 0, **more}
    more = {"region": 0, **more}
    more = {"pid": 7, "impl": None, "dur_ns": 1, "cause": None, "stack": 0, "purpose": None, **more}
    verdict = SimpleNamespace(origin=origin, owner=None)
    return SimpleNamespace(
        name=name, kind=kind, verdict=verdict, phase="main", failed=False, **more
    )


def test_facts_are_those_of_the_user():
    facts = designs.facts(
        [
            event("malloc", "loader", size=1009, block=1),
            event("malloc", size=13, block=2),
            event("malloc", size=17, block=3),
            event("free", ptr=1, block=2),
            event("malloc", size=19, outer=1),
            event("brk", kind="syscall", size=0),
        ]
    )
    assert facts["calls"] == {"free": 1, "malloc": 2} and facts["syscalls"] == {"brk": 1}
    assert facts["asked_bytes"] == facts["peak_bytes"] == 30


@pytest.mark.parametrize("size", [100, 1000, 100000])
def test_the_expressions_have_their_length_and_are_always_the_same(size):
    texts = runs.texts(size)
    assert len(texts) == 100000 // size and texts == runs.texts(size)
    assert all(abs(len(text) - size) < 20 for text in texts)


def test_a_run(monkeypatch, tmp_path):
    """Counts are facts; of times only what is many times larger anywhere."""
    target_programs.build()
    commands = {p.name: p.command for p in target_programs.programs() if p.name in designs.TOLD}
    if len(commands) < 3:
        pytest.skip("the targets cannot be built here")
    commands = {name: [target_programs.ROOT + "/" + words[0]] for name, words in commands.items()}
    monkeypatch.setattr(runs, "SIZES", (100, 10000))
    monkeypatch.setattr(runs, "LONG", 100)
    monkeypatch.setattr(runs, "ROUNDS", 10 * runs.ROUNDS)  # of expressions as much shorter
    record = runs.measure(commands, str(tmp_path))
    small = {name: design["small"] for name, design in record["designs"].items()}
    assert small[designs.LIST]["calls"] == {"free": 79, "malloc": 79}
    assert small[designs.ARRAY]["calls"] == {"free": 4, "realloc": 12}
    assert small[designs.MEXE]["calls"] == small[designs.MEXE]["syscalls"] == {}
    assert all(designs.growth(record, name) < 10 for name in designs.TOLD)  # of 100, were it square
    assert designs.times(record, 10000, designs.LIST) > 1.5
    assert sorted(path.name for path in tmp_path.iterdir())[:1] == ["eval_array.brkpoint"]


def test_the_story_is_written_as_page_and_as_data(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(runs, "measure", lambda commands, folder: made())
    runs.main(str(tmp_path))
    record = json.loads((tmp_path / "evaluator.json").read_text())
    assert record["verdict"] in (tmp_path / "evaluator.md").read_text()
    assert record["designs"] == made()["designs"]
    said = capsys.readouterr().out
    assert " ".join(said.split()).startswith(record["verdict"])
    assert max(map(len, said.splitlines()[:-1])) <= 80
