"""When the dynamic loader has mapped files, so that what is in them is hooked before it runs."""

from __future__ import annotations

from . import borders, code, settings

_HIDDEN = "the program hid its memory: calls into later libraries are not seen"


class Libraries:
    def __init__(self, engine):
        self._engine = engine

    def watch(self, loader):
        """_dl_debug_state: the loader calls it when its list of libraries has changed."""
        symbol = loader.file.function(code.DEBUG_STATE) if loader.file else None
        if symbol is None:
            self._engine.unseen(
                "libraries", "the loader has no _dl_debug_state: libraries are not seen arriving"
            )
            return
        borders.Border(self._engine, loader.bias + symbol.value, self._changed)

    def are_mapped(self):
        """Inside stop(), where the thread pointer is set: whether the target must stop.

        The loader does so (init_tls, elf/rtld.c) when it has mapped all libraries, and relocates
        them next: that runs code of theirs and of the program, resolvers of IFUNCs.
        """
        engine = self._engine
        return engine.borders.phase == "load" and engine.planted.wait(self._mapped)

    def _mapped(self):
        self._changed()
        settings.do("sharedlibrary")  # gdb has seen them arrive, and waits with their unwind tables

    def _changed(self, *_):
        engine = self._engine
        settings.stand_where(engine.process.pid)
        engine.planted.mend()
        try:
            engine.update_code(None, None)
        except PermissionError:  # prctl(PR_SET_DUMPABLE)
            engine.unseen("libraries", _HIDDEN)
            return
        if engine.program is None:
            program = next((c for c in engine.map.all if c.is_program), None)
            if program is not None:
                settings.show_program(program.path, program.bias)
                engine.know_program(program)
