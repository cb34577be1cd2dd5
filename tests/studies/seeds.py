"""Seeds on a command line."""


def seeds(text: str) -> range:
    """A range of seeds from `first-last`, or one.

    >>> list(seeds("3-5")), list(seeds("7"))
    ([3, 4, 5], [7])
    """
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
