"""docs/fleet.md: some rounds of looks at a serving program. An endpoint takes their profiles and
decodes them; the program's answers are right throughout, and it is as it was."""

import gzip
import http.server
import os
import subprocess
import threading
import time
import urllib.request

import pytest

import made_exports
import test_export_pprof

LOOK = os.path.join(made_exports.ROOT, "packaging", "fleet", "look.sh")
UNITS = [
    os.path.join(os.path.dirname(LOOK), "brkpoint-look@" + end) for end in (".service", ".timer")
]
ROUNDS = 3
SERVER = """
import http.server, json
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps([self.path] * 97).encode()
        self.send_response(200), self.end_headers(), self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Store(http.server.BaseHTTPRequestHandler):
    """Takes what is pushed."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def store():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.taken = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Client(threading.Thread):
    """Asks a server on and on; `wrong`: answers that are not what they should be."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.asked, self.wrong, self.ends = port, 0, [], threading.Event()

    def run(self):
        while not self.ends.is_set():
            path = "/%d" % self.asked
            with urllib.request.urlopen(
                "http://127.0.0.1:%d%s" % (self.port, path), timeout=300
            ) as got:
                body = got.read()
            if body != b"[%s]" % b", ".join([b'"%s"' % path.encode()] * 97):
                self.wrong.append(body)
            self.asked += 1
            self.ends.wait(0.01)


def maps(pid):
    with open("/proc/%d/maps" % pid) as file:
        return [line.split()[-1] for line in file if "x" in line.split()[1]]


@made_exports.needs("curl", "protoc", test_export_pprof.FOLDER)
def test_looks_of_a_timer_reach_a_store_and_leave_the_program_as_it_was(store):
    command = ["/usr/bin/python3", "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as served:
        client = Client(int(served.stdout.readline()))
        client.start()
        before = maps(served.pid)
        environment = dict(os.environ, BRKPOINT=os.path.join(made_exports.ROOT, "brkpoint"))
        url = "http://127.0.0.1:%d/ingest?from=FROM&until=UNTIL" % store.server_port
        for _ in range(ROUNDS):
            asked = client.asked
            words = ["sh", LOOK, str(served.pid), url, "2"]
            done = subprocess.run(words, env=environment, capture_output=True, timeout=300)
            assert done.returncode == 0, done.stderr
            assert client.asked > asked and client.is_alive()
        client.ends.set()
        client.join()
        assert client.wrong == [] and served.poll() is None and maps(served.pid) == before
        served.kill()
    assert len(store.taken) == ROUNDS
    for path, body in store.taken:
        begun, ended = (int(word.split("=")[1]) for word in path.split("?")[1].split("&"))
        assert 0 < time.time() - ended < 1000 and begun <= ended
        check(body, served.pid)


def check(body, pid):
    """A profile by the published proto, of this process alone, with labels and functions."""
    folder, message = test_export_pprof.FOLDER, "perftools.profiles.Profile"
    profile = made_exports.protoc(gzip.decompress(body), folder, "profile.proto", message)
    said = [test_export_pprof.labels(profile, sample) for sample in profile["sample"]]
    assert said and {one["pid"] for one in said} == {str(pid)}
    assert {one["phase"] for one in said} == {"main"}
    assert {"user", "runtime"} & {one["origin"] for one in said}
    assert all(sample["value"][0] > 0 for sample in profile["sample"])
    assert "malloc" in profile["string_table"]


@made_exports.needs("curl")
def test_what_a_store_refuses_is_no_success(store, tmp_path):
    fake = tmp_path / "brkpoint"
    fake.write_text('#!/bin/sh\nfor last; do :; done\necho x > "$last"\n')
    fake.chmod(0o755)
    environment = dict(os.environ, BRKPOINT=str(fake))
    for url, is_taken in (
        ("http://127.0.0.1:%d/" % store.server_port, True),
        ("http://127.0.0.1:9/", False),
    ):
        done = subprocess.run(["sh", LOOK, "1", url], env=environment, capture_output=True)
        assert (done.returncode == 0) == is_taken
    assert [body for _, body in store.taken] == [b"x\n"]


@made_exports.needs("systemd-analyze")
def test_systemd_takes_the_units():
    done = subprocess.run(["systemd-analyze", "verify", UNITS[1]], capture_output=True, text=True)
    mine = [line for line in done.stderr.splitlines() if "brkpoint-look" in line]
    assert mine == [], mine
