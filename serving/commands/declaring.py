"""The commands about lists, legal orders and the changes that wait for a second person."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, show_rows
from features.kernel.errors import Invalid
from features.kernel.moments import moment_of
from serving.commands.signing_in import signed_in_user
from serving.commands.start import existing_database_of, now_in, settings_of
from serving.intake.declaring import (
    Declared,
    Entry,
    approve,
    declare_entry,
    declare_order,
    end_entry,
    lift_order,
    refuse,
)
from serving.intake.views import change_document, changes_document, declared_document, entries_document
from serving.people.model import Role
from serving.record.changes import Change, ChangeState
from serving.record.known import Record
from serving.storage import Database

app = application("What people declare.")
lists_app = application("Entries of lists: sanctions, criminals, mixers, countries, banned identities.")
orders_app = application("Legal orders, which bind above everything.")
changes_app = application("Rows that would end or weaken a restriction, and wait for a second person.")
app.add_typer(lists_app, name="lists")
app.add_typer(orders_app, name="orders")
app.add_typer(changes_app, name="changes")

ListArgument = Annotated[str, typer.Argument(help="List, such as sanctions or mixer.")]
KindArgument = Annotated[str, typer.Argument(help="What is listed: address, account, owner, document, country …")]
ValueArgument = Annotated[str, typer.Argument(help="The value that is listed.")]
SourceOption = Annotated[str, typer.Option(help="Where the entry comes from.")]
ReasonOption = Annotated[str, typer.Option(help="Why, in one sentence.")]
MomentOption = Annotated[str | None, typer.Option(help="Moment in ISO 8601 with its time zone.")]
ChangeArgument = Annotated[str, typer.Argument(help="Change id, as `mscore changes list` shows it.")]


@lists_app.command("add")
def add_entry(
    list_name: ListArgument,
    kind: KindArgument,
    value: ValueArgument,
    source: SourceOption,
    reason: ReasonOption,
    effective_from: MomentOption = None,
    effective_to: MomentOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Put an entry on a list. It binds at the next decision."""
    database, now, by = _started(home)
    starts, ends = _moment(effective_from), _moment(effective_to)
    entry = Entry(list_name, kind, value, source)
    _told([declare_entry(database, entry, starts, ends, by, reason, now)], "entries", as_json)


@lists_app.command("remove")
def remove_entry(
    list_name: ListArgument,
    kind: KindArgument,
    value: ValueArgument,
    source: SourceOption,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """End an entry of a list. One of sanctions or criminals binds until a second person agrees."""
    database, now, by = _started(home)
    _told(end_entry(database, Entry(list_name, kind, value, source), by, reason, now), "entries", as_json)


@lists_app.command("show")
def show_list(list_name: ListArgument, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show the entries of a list that bind."""
    database = existing_database_of(settings_of(home))
    entries: list[Mapping[str, Any]] = []
    token = None
    while True:
        page = entries_document(database, list_name, None, token)
        entries += page["entries"]
        token = page["next_page_token"]
        if token is None:
            break
    columns = ("kind", "value", "source", "effective_from", "effective_to")
    emit({"entries": entries}, as_json, lambda: show_rows(columns, entries, f"The list {list_name} is empty."))


@orders_app.command("add")
def add_order(
    legal_order_id: Annotated[str, typer.Argument(help="Id of the order.")],
    account: Annotated[str, typer.Option(help="Account that the order is about.")],
    authority: Annotated[str, typer.Option(help="Court or authority.")],
    scope: Annotated[str, typer.Option(help="freeze, withdrawals or trading.")],
    ts: MomentOption = None,
    expires_at: MomentOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Write down a legal order. It binds at the next decision, above everything."""
    database, now, by = _started(home)
    order = {
        "legal_order_id": legal_order_id,
        "account_id": account,
        "scope": scope,
        "authority": authority,
        "ts": _moment(ts) or now,
        "expires_at": _moment(expires_at),
        "lifted_at": None,
    }
    _told([declare_order(database, order, by, now)], "legal_orders", as_json)


@orders_app.command("lift")
def lift(
    legal_order_id: Annotated[str, typer.Argument(help="Id of the order.")],
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Ask for a legal order to be lifted. It binds until a second person agrees."""
    database, now, by = _started(home)
    _told(lift_order(database, legal_order_id, by, reason, now), "legal_orders", as_json)


@changes_app.command("list")
def list_changes(
    every: Annotated[bool, typer.Option("--all", help="Also those that were approved or refused.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List the changes that wait for a second person."""
    document = changes_document(
        existing_database_of(settings_of(home)), None if every else ChangeState.AWAITING_APPROVAL
    )
    columns = ("change_id", "subject", "state", "proposed_by", "proposed_at", "reason")
    emit(document, as_json, lambda: show_rows(columns, document["changes"], "No change waits."))


@changes_app.command("approve")
def approve_change(
    change_id: ChangeArgument,
    reason: Annotated[str | None, typer.Option(help="Why, in one sentence.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Let a change bind, as another person than proposed it."""
    _decide(approve, change_id, reason, home, as_json)


@changes_app.command("refuse")
def refuse_change(
    change_id: ChangeArgument,
    reason: Annotated[str | None, typer.Option(help="Why, in one sentence.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Say that a change will not bind, as another person than proposed it."""
    _decide(refuse, change_id, reason, home, as_json)


def _decide(
    decide: Callable[[Database, str, str, str | None, datetime], Change],
    change_id: str,
    reason: str | None,
    home: Path,
    as_json: bool,
) -> None:
    database, now, by = _started(home)
    change = decide(database, change_id, by, reason, now)
    with database.reading() as transaction:
        document = change_document(change, Record(transaction).row(change.subject, change.row_key))
    emit(document, as_json, lambda: out.print(f"Change {change_id} is {change.state}."))


def _started(home: Path) -> tuple[Database, datetime, str]:
    """The database, the present moment, and the approver who is signed in on this machine."""
    database, now = existing_database_of(settings_of(home)), now_in(home)
    return database, now, signed_in_user(home, database, now, frozenset({Role.APPROVER})).name


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return moment_of(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is no moment; write it like 2025-05-31T12:00:00Z.") from error


def _told(declared: Sequence[Declared], name: str, as_json: bool) -> None:
    document = declared_document(declared, name)

    def human() -> None:
        if "change_id" in document:
            out.print(f"It binds until a second person agrees: mscore changes approve {document['change_id']}")
        else:
            out.print("In force from the next decision on.")

    emit(document, as_json, human)
