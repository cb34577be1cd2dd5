"""The commands about callers: keys for programs, people who may sign in."""

import sys
from datetime import datetime, timedelta
from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, show_rows
from features.kernel.errors import Invalid
from features.kernel.moments import text_of
from serving.commands.start import database_of, existing_database_of, now_in, settings_of
from serving.people.model import Passwords, Role
from serving.people.store import DEFAULT_CLIENT, ApiKeys, Users

NameArgument = Annotated[str, typer.Argument(help="User name.")]

app = application("Callers.")
keys_app = application("API keys for programs.")
users_app = application("Users who may sign in to the pages.")
app.add_typer(keys_app, name="keys")
app.add_typer(users_app, name="users")


@keys_app.command("create")
def create_key(
    role: Annotated[str, typer.Option(help="Role of the key: " + ", ".join(Role) + ".")],
    name: Annotated[str, typer.Option(help="Name of the key, such as what it is used for.")] = "command line",
    client: Annotated[
        str,
        typer.Option(help="Program that the key belongs to; its requests may be repeated under any of its keys."),
    ] = DEFAULT_CLIENT,
    days: Annotated[int | None, typer.Option(min=1, help="Days until the key expires; never by default.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Create an API key. It is shown once and stored as a hash."""
    chosen, now = Role.of(role), now_in(home)
    if not client.strip():
        raise Invalid("The name of the client is empty; give one or leave --client out.")
    expires_at = None if days is None else now + timedelta(days=days)
    with database_of(settings_of(home)).transaction() as transaction:
        key = ApiKeys(transaction).create(chosen, name, now, client, expires_at)
    record = {"key": key, "role": chosen.value, "name": name, "client": client, "expires_at": _text(expires_at)}
    emit(record, as_json, lambda: out.print(key, markup=False))


@keys_app.command("list")
def list_keys(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List API keys: whose they are, when they were used last, whether they are in force."""
    now = now_in(home)
    with existing_database_of(settings_of(home)).reading() as transaction:
        keys = ApiKeys(transaction).list()
    records = [
        {
            "key_id": key.key_id,
            "client": key.client,
            "role": key.role.value,
            "name": key.name,
            "created_at": text_of(key.created_at),
            "expires_at": _text(key.expires_at),
            "last_used_at": _text(key.last_used_at),
            "revoked_at": _text(key.revoked_at),
            "in_force": key.is_in_force(now),
        }
        for key in keys
    ]
    columns = ("key_id", "client", "role", "name", "created_at", "last_used_at", "in_force")
    emit({"keys": records}, as_json, lambda: show_rows(columns, records, "There is no API key yet."))


@keys_app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key, or its id: the part between msk_ and the next underscore.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Revoke an API key."""
    parts = key.split("_")
    key_id = parts[1] if len(parts) > 1 else key
    with existing_database_of(settings_of(home)).transaction() as transaction:
        ApiKeys(transaction).revoke(key_id, now_in(home))
    emit({"key_id": key_id, "revoked": True}, as_json, lambda: out.print(f"API key {key_id} revoked."))


@users_app.command("add")
def add_user(
    name: NameArgument,
    role: Annotated[str, typer.Option(help="Role of the user: " + ", ".join(Role) + ".")],
    password: Annotated[
        str | None, typer.Option(envvar="MSCORE_NEW_PASSWORD", help="Password; prompted for when omitted.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Add a user who may sign in to the pages. The password is prompted for and stored as a hash."""
    chosen = Role.of(role)
    hashed = Passwords().hash(password or _asked())
    with database_of(settings_of(home)).transaction() as transaction:
        Users(transaction).add(name, hashed, chosen, now_in(home))
    emit(
        {"name": name, "role": chosen.value},
        as_json,
        lambda: out.print(f"User {name} added with the role {chosen.value}."),
    )


@users_app.command("list")
def list_users(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the users who may sign in, and those who are disabled."""
    with existing_database_of(settings_of(home)).reading() as transaction:
        users = Users(transaction).list()
    records = [
        {
            "name": user.name,
            "role": user.role.value,
            "created_at": text_of(user.created_at),
            "disabled_at": _text(user.disabled_at),
        }
        for user in users
    ]
    columns = ("name", "role", "created_at", "disabled_at")
    emit({"users": records}, as_json, lambda: show_rows(columns, records, "There is no user yet."))


@users_app.command("disable")
def disable_user(
    name: NameArgument,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Disable a user: their sessions end, and they cannot sign in again."""
    with existing_database_of(settings_of(home)).transaction() as transaction:
        Users(transaction).disable(name, now_in(home))
    emit({"name": name, "disabled": True}, as_json, lambda: out.print(f"User {name} is disabled and signed out."))


@users_app.command("password")
def change_password(
    name: NameArgument,
    password: Annotated[
        str | None, typer.Option(envvar="MSCORE_NEW_PASSWORD", help="New password; prompted for when omitted.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Give a user another password. Their sessions end."""
    hashed = Passwords().hash(password or _asked())
    with existing_database_of(settings_of(home)).transaction() as transaction:
        Users(transaction).change_password(name, hashed, now_in(home))
    emit(
        {"name": name, "changed": True}, as_json, lambda: out.print(f"Password of {name} changed; they are signed out.")
    )


@users_app.command("sign-out")
def sign_out(
    name: NameArgument,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """End every session of a user, who may sign in again."""
    with existing_database_of(settings_of(home)).transaction() as transaction:
        count = Users(transaction).end_sessions(name, now_in(home))
    emit({"name": name, "sessions_ended": count}, as_json, lambda: out.print(f"{count} sessions of {name} ended."))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else text_of(moment)


def _asked() -> str:
    if not sys.stdin.isatty():
        raise Invalid("There is no terminal to prompt for the password; set MSCORE_NEW_PASSWORD.")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer
