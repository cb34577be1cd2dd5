"""How long work says how far it is: what it is doing, and the share that is done."""

from collections.abc import Callable

Progress = Callable[[str, float], None]


def silent(_what: str, _share: float) -> None:
    """Progress that is not shown."""
