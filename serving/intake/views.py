"""What is declared, listed or waiting, as it is shown: JSON documents for endpoints and commands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from features.kernel.moments import text_of
from serving.intake.declaring import Declared, require_list
from serving.record.changes import Change, Changes, ChangeState
from serving.record.known import Record
from serving.storage import Database
from serving.storage.paging import page_limit, position_of, token_after

SHOWN_OF_ENTRY = ("list", "kind", "value", "source", "effective_from", "effective_to", "known_from")


def declared_document(declared: Sequence[Declared], name: str) -> dict[str, Any]:
    """What became of rows: `in_force`, or `awaiting_approval` with a change id."""
    rows = [
        _shown(item.row) | {"state": item.state} | ({"change_id": item.change_id} if item.change_id else {})
        for item in declared
    ]
    waiting = [item for item in declared if item.change_id]
    if not waiting:
        return {"state": "in_force", name: rows}
    return {"state": waiting[0].state, "change_id": waiting[0].change_id, name: rows}


def change_document(change: Change, row: Mapping[str, Any]) -> dict[str, Any]:
    """A change with the row that waits, or waited."""
    return _shown({name: getattr(change, name) for name in Change.__slots__ if name != "row_key"}) | {
        "row": _shown(row)
    }


def changes_document(database: Database, state: ChangeState | None) -> dict[str, Any]:
    """The changes in a state, the oldest first; of every state where none is given."""
    with database.reading() as transaction:
        changes = [
            change_document(change, Record(transaction).row(change.subject, change.row_key))
            for change in Changes(transaction).list(state)
        ]
    return {"changes": changes}


def entries_document(
    database: Database, list_name: str, page_size: int | None = None, page_token: str | None = None
) -> dict[str, Any]:
    """One page of the entries of a list that bind.

    Raises:
        Invalid: there is no such list.
        BadPageToken: the token is damaged or belongs to another list.
    """
    require_list(list_name)
    limit, filters = page_limit(page_size), {"list": list_name}
    after = position_of(page_token, filters, [str])[0] if page_token else None
    with database.reading() as transaction:
        rows = Record(transaction).entries(list_name, after, limit + 1)
    page, more = rows[:limit], len(rows) > limit
    token = token_after([page[-1]["row_key"]], filters) if more else None
    return {"entries": [_shown({n: row[n] for n in SHOWN_OF_ENTRY}) for row in page], "next_page_token": token}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): text_of(value) if isinstance(value, datetime) else value for name, value in row.items()}
