"""The version of the contract with outside programs: endpoints, commands, their fields and options."""

from importlib.metadata import version

CONTRACT_VERSION = "1.7"
"""The second number moves with an addition; the first one with a removal or a new name, which the house avoids."""


def package_version() -> str:
    """The version of the installed program."""
    return version("mscore")
