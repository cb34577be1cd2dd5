"""The commands about callers: keys for programs, people who may sign in."""

import sys
from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out
from features.kernel.errors import Invalid
from serving.commands.start import database_of, existing_database_of, now_in, settings_of
from serving.people.model import Passwords, Role
from serving.people.store import ApiKeys, Users

app = application("Callers.")
keys_app = application("API keys for programs.")
users_app = application("Users who may sign in to the pages.")
app.add_typer(keys_app, name="keys")
app.add_typer(users_app, name="users")


@keys_app.command("create")
def create_key(
    role: Annotated[str, typer.Option(help="Role of the key: " + ", ".join(Role) + ".")],
    name: Annotated[str, typer.Option(help="Name of the key, such as the program that uses it.")] = "command line",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Create an API key. It is shown once and stored as a hash."""
    chosen = Role.of(role)
    with database_of(settings_of(home)).transaction() as transaction:
        key = ApiKeys(transaction).create(chosen, name, now_in(home))
    emit({"key": key, "role": chosen.value, "name": name}, as_json, lambda: out.print(key, markup=False))


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
    name: Annotated[str, typer.Argument(help="User name.")],
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


def _asked() -> str:
    if not sys.stdin.isatty():
        raise Invalid("There is no terminal to prompt for the password; set MSCORE_NEW_PASSWORD.")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer
