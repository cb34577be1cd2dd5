"""Makes what was written outlive a loss of power."""

import os
from pathlib import Path


def make_durable(*paths: Path) -> None:
    """Waits until files, and the names in folders, are on the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
