"""Records the contract as it is now: `make contract` writes openapi.json and commands.json beside this file."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from features.kernel.console import DONE, OUR_FAULT, WRONG_CALL
from serving.app import create_app
from serving.cli import COMMANDS, application_of
from serving.contract import CONTRACT_VERSION
from serving.policy.book import Policy
from serving.policy.floors import load_floors
from serving.settings import Settings
from serving.storage import Database

FOLDER = Path(__file__).parent
ENDPOINTS, LINES = FOLDER / "openapi.json", FOLDER / "commands.json"
EXIT_CODES = {DONE: "done", OUR_FAULT: "internal error", WRONG_CALL: "wrong call or unusable input"}
ANY_COMMAND = ["--help", "--version"]


def endpoints() -> dict[str, Any]:
    """The OpenAPI document of the application."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        database = Database(settings.resolved_database_url())
        document: dict[str, Any] = create_app(
            settings, database, Policy("", (), {}, {}, load_floors(), {}, frozenset(), frozenset())
        ).openapi()
        database.close()
    return document


def commands() -> dict[str, Any]:
    """Every command with its arguments and options, and the exit codes they share."""
    described = {" ".join(name): _described(command) for name, command in every_command()}
    codes = {str(code): meaning for code, meaning in sorted(EXIT_CODES.items())}
    return {"version": CONTRACT_VERSION, "exit_codes": codes, "options": ANY_COMMAND, "commands": described}


def every_command() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and subcommand by its words."""
    for name in COMMANDS:
        command = typer.main.get_group(application_of(name)).commands[name]
        if hasattr(command, "commands"):
            yield from (((name, part), command.commands[part]) for part in sorted(command.commands))
        else:
            yield (name,), command


def _described(command: Any) -> dict[str, Any]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = sorted((p for p in command.params if p.param_type_name == "option"), key=lambda option: option.opts)
    return {
        "arguments": [{"name": argument.name, "required": argument.required} for argument in arguments],
        "options": [
            {
                "names": [*option.opts, *option.secondary_opts],
                "required": option.required,
                "takes_value": not option.is_flag,
            }
            for option in options
        ],
    }


def main() -> None:
    """Write both documents."""
    for path, document in ((ENDPOINTS, endpoints()), (LINES, commands())):
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
