"""What tests of the command line share: one call and what it said, and the account and moment they ask about."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

AS_OF = "2025-06-05T00:00:00Z"
ACCOUNT = "FLOCK-A1"


@dataclass(frozen=True)
class Said:
    """What one call said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Call = Callable[..., Said]


def is_one_sentence(said: Said) -> bool:
    """Exit code 2, nothing on stdout, one line on stderr."""
    lines = said.err.splitlines()
    return said.code == 2 and said.out == "" and len(lines) == 1 and lines[0].startswith("mscore: ")
