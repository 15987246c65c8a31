"""A target with a site for each allocation, each of a hostile name: what is said of it, and that
its reports take little memory."""

import json
import os
import subprocess

import pytest

import made_pages
import made_sites
from alloctrace.summary import group_kinds, summary
from alloctrace.trace import trace
from reports import measures
from reports.page import data, document

SITES = 200


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_sites.write(str(tmp_path_factory.mktemp("sites") / "a.brkpoint"), SITES)


def record(path, most, **more):
    """The record where up to `most` kinds are told apart by place."""
    with pytest.MonkeyPatch.context() as patch, trace.open(path) as recorded:
        patch.setattr(group_kinds, "MOST", most)
        return summary.summarise(recorded, **more)


@pytest.mark.parametrize("by", sorted({m.field for m in measures.BY.values()}))
@pytest.mark.parametrize("top", [7, 1000])
def test_of_many_places_the_same_is_said(path, by, top):
    few, many = (record(path, most, by=by, top_sites=top) for most in (1 << 20, 5))
    assert many == few
    assert many["site_count"] == SITES and len(many["sites"]) == min(top, SITES)


@pytest.mark.parametrize("process", ["asked", str(made_sites.PID)])
def test_of_one_program_too(path, process):
    assert record(path, 5, process=process) == record(path, 1 << 20, process=process)


def test_real_sites_are_the_same(tmp_path):
    """Several frames of one place, origins, phases, purposes and programs."""
    path = str(tmp_path / "real.brkpoint")
    program = made_pages.ROOT + "/build/targets/fork"
    run = [*made_pages.COMMAND, "run", "--quiet", "-o", path, program]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    for process in ("all", "asked"):
        assert record(path, 1, process=process) == record(path, 1 << 20, process=process)


def test_the_largest_are_told_and_the_rest_is_exact(path):
    told = record(path, 5, top_sites=3)["sites"]
    sizes = sorted(map(made_sites.size, range(1, SITES + 1)), reverse=True)
    assert [row["bytes"] for row in told] == [2 * size for size in sizes[:3]]
    assert record(path, 5, top_sites=3)["sites_by"]["sum"] == 2 * sum(sizes)


def test_the_page_adds_up_whatever_it_cuts_off(path, monkeypatch):
    monkeypatch.setattr(data, "WHOLE", 10)
    monkeypatch.setattr(data, "NODES", 50)
    with trace.open(path) as recorded:
        made = summary.summarise(recorded, top_sites=9)
        rows = data.of(made, recorded)["leaves"]["rows"]
        page = document.render(made, recorded)
    assert 9 < len(rows) < 80
    assert sum(row[5] for row in rows) == made["allocated"]["bytes"]
    assert made_pages.data_of(page)["bins"]["cells"]["left_out"] == [0, 0]
    assert "<b>" not in page.split("<body>")[1].replace('<b><span class="value', "")


def most_memory(path, *words):
    """KiB that the report took at most; and what it said."""
    read, write = os.pipe()
    out = [(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)]
    command = [*made_pages.COMMAND, "report", path, *words]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=out)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read()
    _, status, used = os.wait4(pid, 0)
    assert status == 0
    return used.ru_maxrss, said


def test_memory_hardly_grows_with_the_sites(tmp_path):
    """A site took some 3 KiB when each was an object of its own. bench/page_cost.py measures a page
    of a million."""
    counts, took = (1000, 20000), []  # each is two kinds: of the latter more than are told apart
    for count in counts:
        path = made_sites.write(str(tmp_path / str(count)), count)
        most, said = most_memory(path, "--json")
        assert json.loads(said)["site_count"] == count
        took.append(most)
    assert 1024 * (took[1] - took[0]) / (counts[1] - counts[0]) < 1200, took
