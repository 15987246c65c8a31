"""An observer that watches nothing, for tests of those that wait for one."""

from start.observer import Observer


class Idle(Observer):
    def configure(self, program):
        """It is there already."""
