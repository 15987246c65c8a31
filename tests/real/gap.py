#!/usr/bin/python3
"""gap.py PROTOCOL PORT SECONDS: asks a server on, one question at a time; says the largest gap.

PROTOCOL: redis, http or postgres. Ends with the time, or SIGTERM. Prints milliseconds between the
two answers that were farthest apart, and the number of answers.
"""

import signal
import socket
import struct
import sys
import time


def main(protocol, port, seconds):
    connection = socket.create_connection(("127.0.0.1", int(port)), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    question, is_whole = OPENED[protocol](connection)
    last = began = time.monotonic()
    largest = answers = 0
    signal.signal(signal.SIGTERM, lambda *_: until.clear())
    until = [began + float(seconds)]
    while until and last < until[0]:
        connection.sendall(question)
        _answer(connection, is_whole)
        now = time.monotonic()
        largest, last, answers = max(largest, now - last), now, answers + 1
    print("%.1f %d" % (largest * 1000, answers))


def _answer(connection, is_whole):
    data = b""
    while not is_whole(data):
        part = connection.recv(65536)
        if not part:
            sys.exit("the server closed the connection")
        data += part
    return data


def _redis(_):
    return b"PING\r\n", lambda data: data.endswith(b"\r\n")


def _http(_):
    return b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", _http_is_whole


def _http_is_whole(data):
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return body.endswith(b"0\r\n\r\n")  # chunked


def _postgres(connection):
    """The protocol's start (Frontend/Backend Protocol), of an account that needs no word."""
    words = b"user\0nobody\0database\0template1\0\0"
    connection.sendall(struct.pack("!II", len(words) + 8, 3 << 16) + words)
    _answer(connection, _is_ready)
    query = b"select 1\0"
    return b"Q" + struct.pack("!I", len(query) + 4) + query, _is_ready


def _is_ready(data):
    return len(data) >= 6 and data[-6:-1] == b"Z\0\0\0\5"


OPENED = {"redis": _redis, "http": _http, "postgres": _postgres}

if __name__ == "__main__":
    main(*sys.argv[1:])
