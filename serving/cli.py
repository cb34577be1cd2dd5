"""The one command `mscore`: finds the command asked for and loads only what that one needs."""

import sys
from collections.abc import Sequence
from importlib import import_module

from features.kernel.console import DONE, OUR_FAULT, WRONG_CALL, complain, err, out, run, table, wrong_call
from features.kernel.errors import MscoreError

FEATURES, MODELS = "features.cli", "models.cli"
LINE, DESK, SERVICE = "serving.commands.line", "serving.commands.desk", "serving.commands.service"
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": (LINE, "the whole line on a simulated exchange, then the server"),
    "simulate": (FEATURES, "simulate an exchange: activity and, apart, the truth"),
    "import": (FEATURES, "check a folder of activity and append it to the lake"),
    "quarantine": (FEATURES, "list: the rows set aside, with their reasons"),
    "labels": (FEATURES, "import: what was found about accounts"),
    "features": (FEATURES, "build vectors · describe the catalogue"),
    "evidence": (FEATURES, "the rows behind the value of a feature, or behind an episode"),
    "episodes": (FEATURES, "what the patterns found, known at a moment"),
    "train": (MODELS, "train models, log them to MLflow, register them"),
    "promote": (MODELS, "make a version of a model the champion"),
    "report": (MODELS, "write a version's evaluation report"),
    "alerts": (MODELS, "the most unusual accounts of a moment, with q-values"),
    "drift": (LINE, "whether accounts still look like those learned from"),
    "predict": (MODELS, "predict for every row of a spine"),
    "explain": (MODELS, "the reasons behind a score"),
    "score": (LINE, "score all accounts at a moment and open reviews"),
    "reviews": (DESK, "list · show · close: cases a person must look at"),
    "feedback": (DESK, "make labels of closed reviews, to train on"),
    "policy": (DESK, "check every rule · backtest them on vectors"),
    "keys": (SERVICE, "create · revoke: API keys with a role"),
    "users": (SERVICE, "add: a person who may sign in"),
    "migrate": (SERVICE, "bring the database to the present version"),
    "status": (LINE, "what this home holds"),
    "serve": (SERVICE, "serve endpoints and pages"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command line and exits: 0 done, 2 a wrong call or unusable input, 1 our fault."""
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
        complain(f"this is our fault: {type(error).__name__}: {error}")
        code = OUR_FAULT
    sys.exit(code)


def _run(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help", "help"):
        out.print("mscore scores the accounts of a crypto exchange and decides about them fairly.\n")
        table(("command", "what it does"), [(name, what) for name, (_, what) in COMMANDS.items()])
        out.print("\n`mscore COMMAND --help` says more. State lives in MSCORE_HOME (default ./var).")
        return DONE if given else WRONG_CALL
    if given[0] not in COMMANDS:
        return wrong_call(f"there is no command {given[0]!r}; there are {', '.join(COMMANDS)}.")
    module = import_module(COMMANDS[given[0]][0])
    return run(module.app, given)


if __name__ == "__main__":
    main()
