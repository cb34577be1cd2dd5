"""Ceilings: what a step of the derivation left out because it was too much, for every report to say."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pyarrow as pa

CEILINGS_SCHEMA = pa.schema([("step", pa.string()), ("what", pa.string()), ("count", pa.int64())])


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A limit that was met: the step that has it, a sentence on what it left out and why, and how much that is."""

    step: str
    what: str
    count: int


def ceilings_table(ceilings: Iterable[Ceiling]) -> pa.Table:
    """The ceilings as one Arrow table, in their order."""
    return pa.Table.from_pylist([asdict(ceiling) for ceiling in ceilings], CEILINGS_SCHEMA)
