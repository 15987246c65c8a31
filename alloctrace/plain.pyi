# What a type checker takes plain.py for.
from collections.abc import Callable
from dataclasses import dataclass as frozen
from dataclasses import dataclass as plain
from dataclasses import replace as replace
from typing import TypeVar

T = TypeVar("T")

__all__ = ["fresh", "frozen", "plain", "replace"]

def fresh(make: Callable[[], T]) -> T: ...
