"""exports: a trace as a file that another tool reads. One file a format; `formats.py` lists them.

Each format's file says what it is (`FORMAT`) and has `write(out, trace, choice)`, which writes
bytes to `out`, in memory that does not grow with the number of events, and returns sentences that
must be said of this file. Nothing here opens files or talks to terminals: command/export.py does.
"""
