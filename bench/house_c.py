#!/usr/bin/python3
"""How the house of the recorder's host stands, in figures: bench/house_c.py [FOLDER].

Files in each folder, files of more than 300 lines, the length of functions, and circles: of folders
and of files by what they include, and by what they call, as nm(1) finds it in the objects that are
built (`make recorder`). tests/test_house_c.py compares the arrows with docs/recorder.md.
"""

import glob
import os
import re
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST = os.path.join(TOP, "recorder", "host")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
SHARED = "host.h"  # the room of the files that lie in no folder


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def files(host):
    """{path below `host`: text} of all its C."""
    found = glob.glob(host + "/**/*.[ch]", recursive=True)
    return {os.path.relpath(path, host): read(path) for path in sorted(found)}


def room(name):
    return name.split("/")[0] if "/" in name else SHARED


def included(texts):
    """{file: files of the host that it includes}"""
    arrows = {}
    for name, text in texts.items():
        beside = os.path.dirname(name)
        for what in INCLUDE.findall(text):
            near = os.path.normpath(os.path.join(beside, what))
            arrows.setdefault(name, set()).update([n for n in (near, what) if n in texts][:1])
    return arrows


def called(texts, objects):
    """{file: files whose functions it calls, or whose data it uses}, of those that are built."""
    needs, owner = {}, {}
    for name in texts:
        words = ["nm", os.path.join(objects, name[:-1] + "o")]
        if not name.endswith(".c") or not os.path.exists(words[1]):
            continue
        for line in subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout.splitlines():
            *_, kind, symbol = line.split()
            if kind == "U":
                needs.setdefault(name, set()).add(symbol)
            elif kind.isupper():
                owner[symbol] = name
    return {name: {owner[s] for s in all_of if s in owner} for name, all_of in needs.items()}


def between_rooms(arrows):
    """The same from room to room."""
    found = {}
    for name, others in arrows.items():
        found.setdefault(room(name), set()).update(map(room, others))
    return {name: others - {name} for name, others in found.items()}


def reach(arrows, start):
    seen, left = set(), list(arrows.get(start, ()))
    while left:
        at = left.pop()
        if at not in seen:
            seen.add(at)
            left += arrows.get(at, ())
    return seen


def circles(arrows):
    """Lists of those that lead to each other; alone in none."""
    far = {name: reach(arrows, name) for name in arrows}
    found = {
        tuple(sorted(n for n in far[name] | {name} if n in far and name in far[n]))
        for name in far
        if name in far[name]
    }
    return sorted(found)


def lengths(text):
    """Lines of each function, from its brace to the end, as clang-format writes them."""
    return [body.count("\n") + 1 for body in re.findall(r"^\{\n(.*?)^\}$", text, re.M | re.S)]


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else HOST
    texts = files(host)
    calls = called(texts, os.path.join(TOP, "build", "recorder", "host"))
    long = sorted(n for text in texts.values() for n in lengths(text))
    print("functions: %d; lines, median %d, p90 %d, most %d" % (
        len(long), statistics.median(long), long[len(long) * 9 // 10], long[-1]))  # fmt: skip
    print("files over 300 lines:", [n for n in texts if texts[n].count("\n") > 300])
    rooms = sorted({room(name) for name in texts})
    print("files in each room:", {r: sum(room(n) == r for n in texts) for r in rooms})
    for what, arrows in (("includes", included(texts)), ("calls", calls)):
        print("circles of rooms by %s:" % what, circles(between_rooms(arrows)))
        print("circles of files by %s:" % what, circles(arrows))


if __name__ == "__main__":
    main()
