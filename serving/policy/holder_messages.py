"""What the account holder may be told of a decision: a reviewed sentence by family of reasons (clause 7.4.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.kernel.documents import Text, Written, read_document
from features.kernel.errors import Invalid

FILE = Path(__file__).with_suffix(".yaml")
INCOMPLETE = "incomplete"
"""The family of what was not known."""


class MessageDocument(Written):
    """One family of reasons."""

    text: Text
    """The sentence that the holder is told."""
    internal: bool
    """Whether the reasons of the rules themselves must not be told."""


class MessagesDocument(Written):
    """The file of messages."""

    families: dict[Text, MessageDocument]
    """By family of reasons, what the holder is told."""


@dataclass(frozen=True, slots=True)
class HolderMessage:
    """What the holder may be told, and whether the reasons themselves stay with the exchange."""

    family: str
    text: str
    is_internal: bool


def load_messages(file: Path = FILE) -> Mapping[str, HolderMessage]:
    """The messages by family.

    Raises:
        Invalid: the file is wrong, or says nothing for what was not known.
    """
    families = read_document(file, MessagesDocument).families
    if INCOMPLETE not in families:
        raise Invalid(f"{file.name} has no family {INCOMPLETE!r}, for requests that could not be checked completely.")
    return {name: HolderMessage(name, message.text, message.internal) for name, message in families.items()}
