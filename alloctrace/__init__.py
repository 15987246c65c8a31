"""alloctrace: the pure half of brkpoint. Spool, trace, events, symbols, origin, purpose.

Nothing here imports gdb, talks to a terminal or starts the target. Python 3.9, standard library.
"""
