"""The real programs of bench/recorder_cost.py, each with an input made here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

from cost_runs import PYTHON, TOP


def commands(folder, scale):
    """(name, argv or None where the program is not here), for a `scale` of 1 or less."""
    return _made((_sqlite, _git, _python, _jq, _perl, _xmllint, _cc1), folder, scale)


def large(folder, scale):
    """The same of larger ones: nearly all modules of Python's library, a C++ file of 20,000 lines,
    node at its start."""
    return _made((_modules, _cc1plus, _node), folder, scale)


def _made(makers, folder, scale):
    return [(maker.__name__[1:], _if_there(maker(folder, scale))) for maker in makers]


def _if_there(argv):
    return argv if argv and shutil.which(argv[0]) else None


def _write(folder, name, lines):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def _sqlite(folder, scale):
    row = "insert into t values(%d, 'row %d');"
    lines = ["create table t(a integer, b text);", "begin;"]
    lines += [row % (i, i * 7919) for i in range(max(1, int(100000 * scale)))]
    script = _write(folder, "inserts.sql", lines + ["commit;"])
    return ["sqlite3", ":memory:", ".read " + script]


def _git(_, scale):
    return ["git", "-C", TOP, "log", "--stat", "-n%d" % max(1, int(300 * scale))]


def _objects(scale):
    return [
        {"id": i, "name": "n%d" % i, "tags": ["a", "b", i]} for i in range(int(40000 * scale) + 1)
    ]


def _python(folder, scale):
    with open(os.path.join(folder, "python.json"), "w", encoding="ascii") as file:
        json.dump(_objects(scale), file)
    program = "import json, sys; print(len(json.dumps(json.load(open(sys.argv[1])), indent=1)))"
    return [PYTHON, "-c", program, file.name]


def _jq(folder, scale):
    path = _write(folder, "jq.json", (json.dumps(item) for item in _objects(scale)))
    return ["jq", ".tags", path]


def _perl(_, scale):
    program = 'my %%h; for (1..%d) { $h{"k$_"} = [$_, "v$_"] } print scalar keys %%h'
    return ["perl", "-e", program % max(1, int(200000 * scale))]


def _xmllint(folder, scale):
    items = ("<i n='%d'><b>text %d</b></i>" % (i, i) for i in range(int(60000 * scale) + 1))
    return ["xmllint", "--noout", _write(folder, "made.xml", ["<all>", *items, "</all>"])]


def _cc1(folder, scale):
    function = "int f%d(int a, int *b) { for (int i = 0; i < a; i++) b[i] += a * %d; return b[a]; }"
    source = _write(folder, "made.c", (function % (i, i) for i in range(int(500 * scale) + 1)))
    return _compiler("gcc", "cc1", "-O1", source)


def _compiler(driver, name, level, source, *more):
    """A compiler proper, without the driver that starts it."""
    if not shutil.which(driver):
        return None
    found = subprocess.run([driver, "-print-prog-name=" + name], stdout=subprocess.PIPE, check=True)
    words = [os.fsdecode(found.stdout).strip(), "-quiet", level]
    return [*words, *more, source, "-o", os.devnull]


_IMPORTS = """
import contextlib, importlib, io, sys, warnings
warnings.simplefilter("ignore")
shown = {"antigravity", "this", "idlelib", "turtle", "turtledemo", "lib2to3", "test"}
names = sorted(n for n in sys.stdlib_module_names if n[0] != "_" and n not in shown)
for name in names[: int(len(names) * float(sys.argv[1])) + 1]:
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        importlib.import_module(name)
"""


def _modules(_, scale):
    return [PYTHON, "-c", _IMPORTS, str(scale)]


_HEADERS = "vector string map memory algorithm functional".split()
_TEMPLATE = """struct S%d { std::map<std::string,int> m; std::vector<std::string> v; };
template<class T> T f%d(T a, int b) {
  std::vector<T> v;
  for (int i = 0; i < b; i++)
    v.push_back(a);
  std::sort(v.begin(), v.end());
  return v.empty() ? a : v[0];
}
int g%d(int a) { S%d s; s.m["x"] = a; s.v.push_back("y"); return f%d<int>(a, %d) + s.m.size(); }"""


def _cc1plus(folder, scale):
    lines = ["#include <%s>" % name for name in _HEADERS]
    lines += (_TEMPLATE % ((i,) * 6) for i in range(int(2222 * scale) + 1))
    source = _write(folder, "made.cc", lines)
    more = ["-D_GNU_SOURCE", "-imultiarch", "x86_64-linux-gnu"]
    return _compiler("g++", "cc1plus", "-O0", source, *more)


def _node(_, __):
    return ["node", "-e", "1"]
