"""The command that signs a person in on this machine, and who that is."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out
from features.kernel.errors import NotPermitted
from serving.commands.start import existing_database_of, now_in, settings_of
from serving.people.model import Passwords, Principal, Role
from serving.people.session import LASTS
from serving.people.store import Users
from serving.storage import Database

TOKEN_FILE = "login.token"  # noqa: S105 - the name of a file, not a secret

app = application("Sign in on this machine.")


@app.command()
def login(
    name: Annotated[str, typer.Argument(help="User name.")],
    password: Annotated[
        str | None, typer.Option(envvar="MSCORE_PASSWORD", help="Password; prompted for when omitted.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Sign in: commands that act for a person act for you, for eight hours."""
    database, now = existing_database_of(settings_of(home)), now_in(home)
    given = password or str(typer.prompt("Password", hide_input=True, err=True))
    with database.reading() as transaction:
        user = Users(transaction).find(name)
    is_open = user is not None and user.disabled_at is None
    if user is None or not Passwords().verify(given, user.password_hash if is_open else None):
        raise NotPermitted("The name or the password is not right.")
    with database.transaction() as transaction:
        token = Users(transaction).start_session(name, now, now + LASTS)
    _keep(home / TOKEN_FILE, token)
    emit({"name": name, "role": user.role.value}, as_json, lambda: out.print(f"{name} is signed in for eight hours."))


def signed_in_user(home: Path, database: Database, now: datetime, roles: frozenset[Role]) -> Principal:
    """Who is signed in on this machine.

    Raises:
        NotPermitted: no user is, or their role may not do this.
    """
    try:
        token = (home / TOKEN_FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        token = ""
    with database.reading() as transaction:
        user = Users(transaction).in_session(token, now) if token else None
    words = " or ".join(sorted(roles))
    if user is None:
        raise NotPermitted(f"No user with the role {words} is signed in on this machine; run `mscore login NAME`.")
    if user.role not in roles:
        raise NotPermitted(f"{user.name} has the role {user.role}; this is for {words}.")
    return Principal(user.name, user.role)


def _keep(path: Path, token: str) -> None:
    """Writes the token for its owner only."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(token)
