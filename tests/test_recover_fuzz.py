"""`recover` makes nothing that `events` and `report` refuse, whatever the spool holds."""

import os
import random

import pytest

from alloctrace.history import packed
from alloctrace.spool import spool
from alloctrace.summary.summary import summarise
from alloctrace.symbols import symbols
from alloctrace.trace import trace
from command.main import main
import made_chaos
import made_traces
from made_records import write_spool
from mutations import CASES, mutate
from test_history_c import convert, tool  # noqa: F401


def spools(folder):
    """Of breakpoints; of the recorder, read as few events and as many."""
    write_spool(folder / "plain", made_traces.made_records())
    yield (folder / "plain").read_bytes()
    for seed in range(3):
        _, _, made = convert(folder, made_chaos.records(seed, calm=True), "--flush", "7")
        with open(made, "rb") as file:
            yield file.read()


@pytest.mark.parametrize("many", [3, packed.MANY])
def test_what_comes_of_a_damaged_spool_is_read_by_all(tmp_path, monkeypatch, capsys, many):
    monkeypatch.setattr(packed, "MANY", many)
    monkeypatch.setattr(symbols, "symbolise", lambda history, **_: {})
    monkeypatch.chdir(tmp_path)
    source, made = random.Random(20220115 + many), 0
    for whole in spools(tmp_path):
        for _ in range(CASES):
            (tmp_path / "s").write_bytes(mutate(source, whole))
            code = main(["recover", "--force", "-o", "t", "s"])
            said = capsys.readouterr().err
            assert said.count("\n") == 1, said
            if code:
                assert not os.path.exists("t")
                continue
            made += 1
            with trace.open("t") as opened:
                summarise(opened)
                assert sum(1 for _ in opened.events()) == opened.run["events"]
            os.unlink("t")
    assert made > CASES // 2  # of four times as many: most damage is told


@pytest.mark.parametrize("many", [3, packed.MANY])
def test_what_is_whole_is_recovered(tmp_path, monkeypatch, capsys, many):
    monkeypatch.setattr(packed, "MANY", many)
    monkeypatch.setattr(symbols, "symbolise", lambda history, **_: {})
    for whole in spools(tmp_path):
        (tmp_path / "s").write_bytes(whole)
        assert main(["recover", "--force", "-o", str(tmp_path / "t"), str(tmp_path / "s")]) == 0
        assert "cut off" not in capsys.readouterr().err


def test_sums_that_deny_the_chunks_are_counted_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "MANY", 3)
    _, built, made = convert(tmp_path, made_chaos.records(1, calm=True), "--flush", "7")
    records = [
        record for record in spool.read(made) if not isinstance(record, (spool.Sums, spool.AtPeak))
    ]
    from alloctrace.history import history

    again = history.build(records)
    wanted, found = built.packed.sums.groups.sums, again.packed.sums.groups.sums
    assert sum(found["count"]) == len(again.events) and found["count"] == wanted["count"]
    assert found["bytes"] == wanted["bytes"]
