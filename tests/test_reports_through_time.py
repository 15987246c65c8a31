"""The picture of live bytes through the run: what a column shows was live in its time."""

import pytest

from reports import sections, through_time
from reports.ink import Ink, cells

WIDTH = 80 - 2 - through_time.NAME - through_time.VALUE


def phase(name, start, end, reached=True):
    return {"phase": name, "start_ns": start, "end_ns": end, "reached": reached}


def record(moments, peak, left, phases=(), apart=1, seq=0):
    """`moments`: [(t_ns, {origin: live bytes})]; `peak`: (t_ns, {origin: bytes}); `left`: last."""
    origins = sorted({who for _, live in [*moments, peak] for who in live} | left.keys())
    live = {who: [found.get(who, 0) for _, found in moments] for who in origins}
    return {
        "timeline": {
            "seq": [at * apart for at in range(len(moments))],
            "t_ns": [t for t, _ in moments],
            "live_bytes": live,
        },
        "peak": {"t_ns": peak[0], "seq": seq, "bytes": sum(peak[1].values()), "by_origin": peak[1]},
        "leaked": {"by_origin": {who: {"bytes": n} for who, n in left.items()}},
        "phases": list(phases) or [phase("main", 0, WIDTH * 10)],
    }


def drawn(of, unicode=True):
    return {who: line for who, line, _ in through_time.picture(of, Ink(80, unicode=unicode))}


def test_between_two_moments_with_no_event_between_them_what_the_first_event_made():
    moments = [(0, {}), (100, {}), (300, {"user": 80}), (400, {"user": 10})]
    rows = drawn(record(moments, (100, {"user": 80}), {"user": 10}, seq=1))
    assert rows["user"] == " " * 10 + "█" * 21 + "▁" * (WIDTH - 31)
    assert rows["all"] == rows["user"]


def test_between_others_it_is_not_known_unless_both_are_alike():
    moments = [(0, {}), (100, {"user": 80}), (300, {"user": 79}), (400, {"user": 10})]
    rows = drawn(record(moments, (100, {"user": 80}), {"user": 10}, apart=50, seq=20))
    line = " " + "·" * 9 + "█" * 21 + "·" * 9 + "▁" * (WIDTH - 40)
    assert rows["user"] == line


def test_all_rows_have_one_scale_and_the_least_is_seen():
    peak = {"user": 7000, "loader": 1000}
    rows = drawn(record([(0, peak)], (0, peak), {"user": 1, "loader": 1000}))
    assert rows["all"][0] == "█" and rows["user"][0] == "▇" and rows["loader"][0] == "▁"
    assert rows["user"] == "▇" + "·" * (WIDTH - 2) + "▁" and set(rows["loader"]) == {"▁"}
    assert list(rows) == ["all", "loader", "user", ""]


def test_a_peak_between_two_moments_is_shown_in_its_column():
    moments = [(0, {"user": 10}), (400, {"user": 10})]
    of = record(moments, (205, {"user": 800}), {"user": 10}, apart=50, seq=20)
    rows = through_time.picture(of, Ink(80))
    assert rows[0][1] == "▁" + "·" * 19 + "█" + "·" * 19 + "▁" * (WIDTH - 40)
    assert rows[0][2] == "800 B after 205 ns" and rows[1][2] == "800 B"


def test_a_peak_at_the_time_of_a_moment_is_not_mixed_with_it():
    """A realloc takes a block from one origin to another: all together never held both."""
    moments = [(0, {}), (100, {"user": 100}), (200, {"loader": 150})]
    of = record(moments, (100, {"loader": 150}), {"loader": 150})
    rows = through_time.picture(of, Ink(80))
    assert [row[2] for row in rows[:3]] == ["150 B after 100 ns", "150 B", "100 B"]


def test_the_phases_stand_where_they_begin_and_main_comes_first():
    phases = [phase("load", 0, 30), phase("init", 30, 40), phase("main", 40, 300)]
    phases += [phase("exit", 300, WIDTH * 10), phase("main", None, None, reached=False)]
    rows = drawn(record([(0, {"user": 8})], (0, {"user": 8}), {}, phases))
    assert rows[""].startswith("    │main") and rows[""][30:] == "│exit"
    assert "load" not in rows[""] and "init" not in rows[""]


def test_ascii_where_the_stream_has_no_more():
    moments = [(0, {"user": 8}), (100, {"user": 4})]
    rows = drawn(record(moments, (0, {"user": 8}), {}, apart=50), unicode=False)
    assert rows["user"].startswith("#" + "?" * 9 + "-?") and rows[""] == "|main"
    assert all(line.isascii() for line in rows.values())


def test_one_moment_that_took_no_time():
    of = record([(5, {"user": 3})], (5, {"user": 3}), {"user": 3}, [phase("main", 5, 5)])
    assert "█" in drawn(of)["user"]


@pytest.mark.parametrize(
    "moments, peak", [([(0, {}), (10, {})], (None, {})), ([], (5, {"user": 3}))]
)
def test_nothing_live_or_nobody_tells_when_no_picture(moments, peak):
    of = record(moments, peak, {})
    assert through_time.picture(of, Ink(80)) == [] and not list(sections.live(of, Ink(80)))


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_is_wider_than_the_page(width):
    of = record([(0, {"user": 8 << 40})], (3, {"user": 8 << 40, "unknown": 5}), {"loader": 7})
    lines = list(sections.live(of, Ink(width)))
    assert len(lines) == 6 and max(map(cells, lines)) <= Ink(width).width
    assert any("\033[3" in line for line in sections.live(of, Ink(width, colour=True)))


def test_what_is_not_known_is_said_to_be_so():
    moments = [(0, {}), (100, {"user": 80}), (400, {"user": 10})]
    of = record(moments, (100, {"user": 80}), {"user": 10}, apart=50, seq=20)
    assert "· not known" in next(iter(sections.live(of, Ink(80))))
    known = record([(0, {"user": 8})], (3, {"user": 8}), {"user": 8})
    assert "known" not in "".join(sections.live(known, Ink(80)))
