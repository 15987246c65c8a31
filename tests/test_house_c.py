"""The rooms of the recorder's host: which includes which, as docs/recorder.md says; no circles."""

import importlib.util
import os
import re
import shutil
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST = os.path.join(TOP, "recorder", "host")
OBJECTS = os.path.join(TOP, "build", "recorder", "host")
_SPEC = importlib.util.spec_from_file_location("house_c", TOP + "/bench/house_c.py")
house_c = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(house_c)
MOST_FILES = 40  # of a room: what a newcomer can take in at a look


def told():
    """{room: the rooms that it may include}, of the table in docs/recorder.md."""
    with open(os.path.join(TOP, "docs", "recorder.md"), encoding="utf-8") as file:
        section = file.read().split("## The rooms of the host")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)/?` \| [^|]+ \| ([^|]*)\|$", section, re.M)
    return {name: set(re.findall(r"[\w.]+", others)) for name, others in rows}


def test_the_table_has_every_arrow_between_rooms():
    texts = house_c.files(HOST)
    drawn = house_c.between_rooms(house_c.included(texts))
    drawn.update({room: set() for room in map(house_c.room, texts) if room not in drawn})
    assert told() == drawn


def test_no_circles_by_includes():
    arrows = house_c.included(house_c.files(HOST))
    assert house_c.circles(arrows) == house_c.circles(house_c.between_rooms(arrows)) == []


def test_rooms_are_small():
    names = [house_c.room(name) for name in house_c.files(HOST)]
    assert max(map(names.count, names)) <= MOST_FILES


@pytest.mark.skipif(not os.path.exists(OBJECTS), reason="the recorder is not built")
def test_no_circles_by_calls():
    """Neither of files nor of rooms; also by what is declared by hand, without an include."""
    calls = house_c.called(house_c.files(HOST), OBJECTS)
    assert "drain/ring.c" in calls["drain/records.c"]  # the search finds something
    assert house_c.circles(calls) == house_c.circles(house_c.between_rooms(calls)) == []


def test_twin_a_circle_of_calls_is_found(tmp_path):
    for name, calls in (("a", "b"), ("b", "a")):
        text = "void %s(void);\nvoid %s(void) { %s(); }\n" % (calls, name, calls)
        (tmp_path / (name + ".c")).write_text(text)
        subprocess.run(["gcc", "-c", name + ".c"], cwd=tmp_path, check=True)
    calls = house_c.called(house_c.files(str(tmp_path)), str(tmp_path))
    assert house_c.circles(calls) == [("a.c", "b.c")]


@pytest.mark.parametrize(
    "name, what, files, rooms",
    [
        ("host.h", "plant/plans.h", [("host.h", "plant/plans.h")], [("host.h", "plant")]),
        ("area/size.h", "drain/ring.h", [], [("area", "drain")]),
        ("proc/maps.c", "proc/status.h", [], []),
    ],
)
def test_a_circle_made_in_a_copy_is_found(tmp_path, name, what, files, rooms):
    host = str(shutil.copytree(HOST, str(tmp_path / "host")))
    with open(os.path.join(host, name), "a", encoding="utf-8") as file:
        file.write('#include "%s"\n' % what)
    arrows = house_c.included(house_c.files(host))
    assert [
        c for c in files if not any(set(c) <= set(found) for found in house_c.circles(arrows))
    ] == []
    found = house_c.circles(house_c.between_rooms(arrows))
    assert [c for c in rooms if not any(set(c) <= set(one) for one in found)] == []
    assert bool(found) == bool(rooms)
