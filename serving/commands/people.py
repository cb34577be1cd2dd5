"""The commands about callers: keys for programs, people who may sign in."""

import sys
from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out
from features.kernel.errors import Invalid
from features.kernel.moments import utc_now
from serving.commands.start import database_of, settings_of
from serving.people.model import Passwords, Role
from serving.people.store import ApiKeys, Users

app = application("Callers.")
keys_app = application("Keys for programs.")
users_app = application("People who may sign in to the pages.")
app.add_typer(keys_app, name="keys")
app.add_typer(users_app, name="users")


@keys_app.command("create")
def create_key(
    role: Annotated[str, typer.Option(help="What the key may do: " + ", ".join(Role) + ".")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Make an API key; it is shown once and stored hashed."""
    chosen = Role.of(role)
    with database_of(settings_of(home)).transaction() as transaction:
        key = ApiKeys(transaction).create(chosen, name, utc_now())
    emit({"key": key, "role": chosen.value, "name": name}, as_json, lambda: out.print(key, markup=False))


@keys_app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key, or the id in its middle: msk_ID_…")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Let an API key open nothing any more."""
    parts = key.split("_")
    key_id = parts[1] if len(parts) > 1 else key
    with database_of(settings_of(home)).transaction() as transaction:
        ApiKeys(transaction).revoke(key_id, utc_now())
    emit({"key_id": key_id, "revoked": True}, as_json, lambda: out.print(f"The key {key_id} opens nothing any more."))


@users_app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Option(help="What the person may do: " + ", ".join(Role) + ".")],
    password: Annotated[
        str | None, typer.Option(envvar="MSCORE_NEW_PASSWORD", help="Better left out: then it is asked for.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Add a person who may sign in to the pages; the password is asked for and stored hashed."""
    chosen = Role.of(role)
    hashed = Passwords().hash(password or _asked())
    with database_of(settings_of(home)).transaction() as transaction:
        Users(transaction).add(name, hashed, chosen, utc_now())
    emit({"name": name, "role": chosen.value}, as_json, lambda: out.print(f"{name} may sign in as {chosen.value}."))


def _asked() -> str:
    if not sys.stdin.isatty():
        raise Invalid("There is no terminal to ask for the password; give it in MSCORE_NEW_PASSWORD.")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer
