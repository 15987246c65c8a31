"""Remembered stacks beside full unwinding: programs run under an agent that does both at each event
(recorder/agent/check.c). As a program: until so many stacks were compared; status 1 if any differs.
"""

import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PROBES = os.path.join(TOP, "recorder", "tests", "probes")
LIMIT_S = 600
_INSERTS = (
    "create table t(a,b); begin; with recursive n(i) as (select 1 union all select i+1 from n "
    "where i < 100000) insert into t select i, hex(randomblob(20)) from n; commit; "
    "select count(distinct b) from t;"
)
_JSON = "import json; d = [{str(i): [i] * 7} for i in range(3000)]; json.loads(json.dumps(d))"
_DEEP = "f = lambda n: [n] + f(n - 1) if n else []\nfor i in range(600): f(i)"
_PERL = "my %h; $h{$_ % 1009} .= $_ for 1 .. 30000; print scalar keys %h"
PROGRAMS = {
    "sqlite3": ["sqlite3", ":memory:", _INSERTS],
    "python3": ["/usr/bin/python3", "-X", "frozen_modules=off", "-c", _JSON],
    "python3 deep": ["/usr/bin/env", "PYTHONMALLOC=malloc", "/usr/bin/python3", "-c", _DEEP],
    "perl": ["perl", "-e", _PERL],
    "git": ["git", "-C", TOP, "log", "--stat", "-n", "50"],
    "cc1": ["gcc", "-O2", "-S", "-o", "/dev/null", "-x", "c", os.path.join(PROBES, "registers.c")],
    "cc1plus": ["g++", "-O1", "-S", "-o", "/dev/null", os.path.join(PROBES, "unwound.cc")],
    "bash": ["bash", "-c", "for i in {1..9000}; do a[$i]=$(($i * 7)); done; echo ${#a[@]}"],
    "awk": [
        "awk",
        "BEGIN { for (i = 0; i < 30000; i++) a[i % 1009] = a[i % 1009] i; print length(a) }",
    ],
    "jq": ["jq", "-n", "[range(100000) | {a: ., b: tostring}] | length"],
}


def recorder(way=1):
    """The path of the recorder whose agent compares; 2: one that compares with another stack; 3:
    one whose paths are often alike."""
    return os.path.join(TOP, "build", "recorder", "checked-%d" % way, "brkpoint-recorder")


_CODE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from start import launch, recorder
recorder._PLACES = (sys.argv[2],)
launch.run([os.fsencode(w) for w in sys.argv[4:]], sys.argv[3], launch.Options(recorder=True))
"""


def compared(words, way=1):
    """(stacks that were compared, how many differ) of one run."""
    sys.path.insert(0, TOP)
    from alloctrace.spool import spool

    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "spool")
        command = [sys.executable, "-c", _CODE, TOP, recorder(way), place, *words]
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=True,
        )
        found = (r.data for r in spool.read(place) if isinstance(r, spool.Info))
        (cost,) = (data for data in found if data["type"] == "cost")
    return cost.get("checked", 0), cost.get("wrong", 0)


def main(wanted):
    total = wrong = 0
    sums = dict.fromkeys((name for name in PROGRAMS if shutil.which(PROGRAMS[name][0])), 0)
    while total < wanted:
        for name in sums:
            count, bad = compared(PROGRAMS[name])
            sums[name] += count
            total, wrong = total + count, wrong + bad
    for name, count in sums.items():
        print("%12d  %s" % (count, name))
    print("%12d remembered stacks, %d differ from a full unwinding" % (total, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
