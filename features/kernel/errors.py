"""The one family of errors that every layer raises, and that the edges (command line, HTTP) translate."""


class MscoreError(Exception):
    """Root of the errors a caller can act on; the message is one full sentence with the value found and what to do."""


class NotFound(MscoreError):
    """What was asked for does not exist."""


class Invalid(MscoreError):
    """What was given cannot be used as it is."""


class Conflict(MscoreError):
    """What was asked contradicts what is already stored."""


class NotPermitted(MscoreError):
    """The caller is known but may not do this."""
