"""The one command `mscore`: finds the command asked for and loads only what that one needs."""

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from features.kernel.console import (
    DONE,
    OUR_FAULT,
    WRONG_CALL,
    application,
    complain,
    emit,
    err,
    out,
    run,
    table,
    wrong_call,
)
from features.kernel.errors import MscoreError
from serving.contract import CONTRACT_VERSION, package_version

DECLARING, IMPORTING, MODELS = "serving.commands.declaring", "serving.commands.importing", "models.cli"
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "demo": (("serving.commands.demo",), "run the whole line on a simulated exchange, then serve it"),
    "simulate": (("features.commands.simulating",), "simulate an exchange: activity and, separately, the truth"),
    "import": ((IMPORTING,), "check a folder of activity and append it to the lake"),
    "quarantine": (("features.commands.quarantine",), "list: show the rows set aside, with their reasons"),
    "labels": ((IMPORTING,), "import: import findings about accounts"),
    "features": (
        ("features.commands.catalogue", "features.commands.vectors"),
        "build: build vectors · describe: print the catalogue",
    ),
    "evidence": (("features.commands.evidence",), "show the rows behind a feature's value or behind an episode"),
    "episodes": (("features.commands.evidence",), "list what the patterns found, as known at a moment"),
    "train": ((MODELS,), "train models, log them to MLflow, register them"),
    "promote": ((MODELS,), "make a version of a model the champion"),
    "report": ((MODELS,), "write a version's evaluation report"),
    "alerts": ((MODELS,), "list the most unusual accounts of a moment, with q-values"),
    "drift": (("serving.commands.scoring",), "compare accounts with those the models learned from"),
    "predict": ((MODELS,), "predict for every row of a spine"),
    "explain": ((MODELS,), "explain a score"),
    "score": (("serving.commands.scoring",), "score all accounts at a moment and open reviews"),
    "reviews": (("serving.commands.reviews",), "list · show · close: cases that a person must review"),
    "feedback": (("serving.commands.feedback",), "turn closed reviews into labels to train on"),
    "policy": (("serving.commands.policy",), "check: check every rule · backtest: run them on vectors"),
    "lists": ((DECLARING,), "add · remove · show: entries of lists"),
    "orders": ((DECLARING,), "add · lift: legal orders"),
    "measures": (("serving.commands.measures",), "list: what is in force on accounts"),
    "changes": ((DECLARING,), "list · approve · refuse: what waits for a second person"),
    "keys": (("serving.commands.people",), "create · list · revoke: API keys with a role"),
    "users": (("serving.commands.people",), "add · list · password · disable · sign-out: people who may sign in"),
    "login": (("serving.commands.signing_in",), "sign in on this machine"),
    "clock": (("serving.commands.clock",), "show · set: the moment by which this home judges"),
    "record": (("serving.commands.record",), "verify: compare the account record with the lake"),
    "migrate": (("serving.commands.database",), "migrate the database to the current version"),
    "status": (("serving.commands.status",), "show what this home holds"),
    "serve": (("serving.commands.serve",), "serve endpoints and pages"),
}
SUBCOMMANDS: dict[tuple[str, str], str] = {
    ("features", "build"): "features.commands.vectors",
    ("features", "describe"): "features.commands.catalogue",
}
"""Where a group is spread over modules: the one that a command stands in."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command line and exits: 0 done, 2 a wrong call or unusable input, 1 an internal error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given)
    except KeyboardInterrupt:
        code = OUR_FAULT
    except MscoreError as error:
        code = wrong_call(str(error))
    except BrokenPipeError:
        code = DONE
    except Exception as error:  # the edge: whatever went wrong below is said, not shown as a stack
        err.print_exception(show_locals=False, max_frames=8)
        complain(f"internal error: {type(error).__name__}: {error}")
        code = OUR_FAULT
    sys.exit(code)


def application_of(name: str, subcommand: str | None = None) -> typer.Typer:
    """The application that holds a command; of a group, the one that holds the subcommand, or all that it has."""
    modules, help_text = COMMANDS[name]
    module = SUBCOMMANDS.get((name, subcommand or ""))
    if module or len(modules) == 1:
        holder: typer.Typer = import_module(module or modules[0]).app
        return holder
    whole, group = application(help_text), application(help_text)
    for module in modules:
        parts = [part for part in import_module(module).app.registered_groups if part.name == name]
        group.registered_commands += [command for part in parts for command in part.typer_instance.registered_commands]
    whole.add_typer(group, name=name)
    return whole


def _run(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help", "help"):
        out.print("mscore scores the accounts of a crypto exchange and decides about them fairly.\n")
        table(("command", "what it does"), [(name, what) for name, (_, what) in COMMANDS.items()])
        out.print("\nRun `mscore COMMAND --help` for details, `mscore --version` for the versions.")
        out.print("State is kept in MSCORE_HOME (default ./var).")
        return DONE if given else WRONG_CALL
    if given[0] == "--version":
        return _show_version("--json" in given[1:])
    if given[0] not in COMMANDS:
        return wrong_call(f"unknown command {given[0]!r}; choose one of {', '.join(COMMANDS)}.")
    return run(application_of(*given[:2]), given)


def _show_version(as_json: bool) -> int:
    document = {"version": package_version(), "contract": CONTRACT_VERSION}
    emit(document, as_json, lambda: out.print("mscore {version}, contract {contract}".format_map(document)))
    return DONE


if __name__ == "__main__":
    main()
