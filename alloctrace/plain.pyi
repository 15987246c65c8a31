# What a type checker takes plain.py for.
from collections.abc import Callable, Iterable
from dataclasses import dataclass as frozen
from dataclasses import dataclass as plain
from dataclasses import replace as replace
from typing import Any, TypeVar

T = TypeVar("T")

__all__ = ["fresh", "frozen", "named_tuple", "plain", "replace"]

def fresh(make: Callable[[], T]) -> T: ...
def named_tuple(name: str, fields: str | Iterable[str]) -> Any: ...
