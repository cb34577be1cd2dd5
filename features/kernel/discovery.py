"""Finds what a folder holds: the named objects of one kind in the modules of a package, so that no list is kept."""

from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

Kind = TypeVar("Kind")


def objects_in(package: str, kind: type[Kind]) -> tuple[Kind, ...]:
    """The objects of one kind that the modules directly in a package define, by module name and then in their order.

    >>> [type(error).__name__ for error in objects_in("features.kernel", Exception)]
    []
    """
    places = import_module(package).__path__
    names = sorted(module.name for module in iter_modules(places) if not module.ispkg)
    objects: dict[int, Kind] = {}
    for name in names:
        for value in vars(import_module(f"{package}.{name}")).values():
            if isinstance(value, kind):
                objects.setdefault(id(value), value)
    return tuple(objects.values())
