"""Classes that only hold values, as `dataclasses` makes them, for a tenth of its price.

Every start of brkpoint pays for what it imports: dataclasses needs Python's parser, disassembler
and inspector of modules, and compiles half a dozen functions a class. Here it is one, of a class of
which there are many values.
"""

from __future__ import annotations

_FEW = 30  # values of a class


class _Fresh:
    def __init__(self, make):
        self.make = make


def fresh(make):
    """As the default of a value: what `make()` gives, new each time."""
    return _Fresh(make)


def plain(cls):
    """The class with an __init__ that takes its annotated names, in their order."""
    defaults = {name: vars(cls)[name] for name in cls.__annotations__ if name in vars(cls)}
    for name, default in defaults.items():
        if isinstance(default, _Fresh):
            delattr(cls, name)
    names, few = tuple(cls.__annotations__), iter(range(_FEW))

    def first(self, *values, **named):
        if next(few, None) is None or not _is_filled(self, names, defaults, values, named):
            cls.__init__ = _initialiser(names, defaults)
            cls.__init__(self, *values, **named)

    cls.__init__, cls.__eq__, cls.__repr__ = first, _is_equal, _shown
    cls.__hash__ = None
    return cls


def _is_filled(value, names, defaults, values, named):
    """Whether these fit, and are there now: for the first values of a class this takes less time
    than to make a function of its own. What does not fit, that one refuses."""
    mine, given, rest = vars(value), dict(zip(names, values)), dict(named)
    if len(given) < len(values):
        return False
    for name in names:
        if name in given:
            mine[name] = given[name]
        elif name in rest:
            mine[name] = rest.pop(name)
        elif name in defaults:
            default = defaults[name]
            mine[name] = default.make() if isinstance(default, _Fresh) else default
        else:
            return False
    return not rest


def _initialiser(names, defaults):
    heads, lines, given = [], [], {}
    for name in names:
        value = name
        if name not in defaults:
            heads.append(name)
        else:
            heads.append("%s=default_%s" % (name, name))
            default = defaults[name]
            if isinstance(default, _Fresh):
                default = default.make  # nobody hands this in as the value itself
                value = "default_%s() if %s is default_%s else %s" % ((name,) * 4)
            given["default_" + name] = default
        lines.append("    self.%s = %s\n" % (name, value))
    exec("def __init__(self, %s):\n%s" % (", ".join(heads), "".join(lines)), given)
    return given["__init__"]


def frozen(cls):
    """The same for values that nobody changes: they can be in sets."""
    cls = plain(cls)
    cls.__hash__ = _hashed
    return cls


def replace(value, **changes):
    """A copy of `value` in which these are changed."""
    made = object.__new__(type(value))
    vars(made).update(vars(value), **changes)
    return made


def _is_equal(self, other):
    if type(other) is not type(self):
        return NotImplemented
    return vars(self) == vars(other)


def _hashed(self):
    return hash(tuple(vars(self).values()))


def _shown(self):
    told = ", ".join("%s=%r" % row for row in vars(self).items())
    return "%s(%s)" % (type(self).__name__, told)
