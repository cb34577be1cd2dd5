"""The command line as outside programs meet it: exit codes, one sentence for a wrong call, help for every command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from serving.cli import COMMANDS, application_of
from tests.commands.calling import Call, is_one_sentence


def commands() -> Iterator[tuple[str, ...]]:
    """Every command and sub-command."""
    for name in COMMANDS:
        command = typer.main.get_group(application_of(name)).commands[name]
        yield from ((name, sub) for sub in command.commands) if hasattr(command, "commands") else ((name,),)


ALL = tuple(commands())
GROUPS = sorted({command[0] for command in ALL if len(command) == 2})


WRONG = [
    "demo --profile huge --home {bare}",
    "demo --no-serve --home {home}",
    "demo --home {tmp}/file",
    "simulate",
    "simulate --profile huge --out {tmp}/out",
    "simulate --out {tmp}/file",
    "simulate --seed -1 --out {tmp}/out",
    "simulate --seed seven --out {tmp}/out",
    "report",
    "report weather --out {tmp}/p.html --home {bare}",
    "report anomaly --out {tmp}/p.html --home {bare}",
    "report anomaly --version 3 --out {tmp}/p.html --home {bare}",
    "alerts --home {home}",
    "alerts --as-of soon --home {home}",
    "alerts --as-of 2025-06-01 --budget 0 --home {home}",
    "alerts --as-of 2025-06-01 --home {home}",
    "alerts --as-of 2025-06-01 --home {bare}",
    "drift --home {bare}",
    "drift --as-of soon --home {home}",
    "drift --as-of 2001-01-01 --home {home}",
    "drift --show 0 --home {home}",
    "drift --as-of 2031-01-01 --home {home}",
    "promote anomaly 1 --acknowledge why --home {bare}",
    "import",
    "import {tmp}/elsewhere --home {bare}",
    "import {tmp}/nothing --home {bare}",
    "import {tmp}/file --home {bare}",
    "import {tmp}/file --mapping fdh --home {bare}",
    "import {tmp}/empty --home {bare}",
    "import {tmp}/broken --home {bare}",
    "import {tmp}/lacking --home {bare}",
    "import {tmp}/nothing --mapping elsewhere --home {bare}",
    "import {tmp}/nothing --mapping {tmp}/mapping.yaml --home {bare}",
    "import {tmp}/nothing --mapping fdh --home {bare}",
    "import {tmp}/broken --home {tmp}/file",
    "import {tmp}/broken one-too-many",
    "quarantine list --limit 0 --home {bare}",
    "quarantine list --limit many --home {bare}",
    "labels import",
    "labels import {tmp}/elsewhere.parquet --home {bare}",
    "labels import {tmp}/labels.parquet --home {bare}",
    "labels import {tmp}/file --home {bare}",
    "labels import {tmp}/nothing --home {bare}",
    "features build --as-of 2025-06-05",
    "features build --out {tmp}/v.parquet --home {home}",
    "features build --as-of 2025-06-05 --spine {tmp}/spine.csv --out {tmp}/v.parquet --home {home}",
    "features build --as-of soon --out {tmp}/v.parquet --home {home}",
    "features build --as-of now --out {tmp}/v.parquet --home {home}",
    "features build --as-of 12 --out {tmp}/v.parquet --home {home}",
    "features build --as-of 2025-06-05 --out {tmp}/v.parquet --home {bare}",
    "features build --spine {tmp}/elsewhere.csv --out {tmp}/v.parquet --home {home}",
    "features build --spine {tmp}/moment.csv --out {tmp}/v.parquet --home {home}",
    "features build --spine {tmp}/narrow.parquet --out {tmp}/v.parquet --home {home}",
    "features build --spine {tmp}/file --out {tmp}/v.parquet --home {home}",
    "features build --spine {tmp}/spine.csv --out {tmp}/v.parquet --home {home}",
    "features build --as-of 2025-06-05 --out {tmp}/nothing --home {home}",
    "features build --as-of 2025-06-05 --out {tmp}/v.csv --home {home}",
    "features build --spine {tmp}/nothing --out {tmp}/v.parquet --home {home}",
    "features build --spine {tmp}/empty/trades.csv --out {tmp}/v.parquet --home {home}",
    "features build --as-of 2025-06-05 --out {tmp}/file/v.parquet --home {home}",
    "features describe all",
    "evidence cancel_ratio_7d",
    "evidence cancel_ratio_7d FLOCK-A1 --home {home}",
    "evidence cancel_ratio_9d FLOCK-A1 --as-of 2025-06-05 --home {home}",
    "evidence cancel_ratio_7d nobody --as-of 2025-06-05 --home {home}",
    "evidence cancel_ratio_7d FLOCK-A1 --as-of soon --home {home}",
    "evidence cancel_ratio_7d FLOCK-A1 --as-of 2025-06-05 --home {bare}",
    "train oracle --home {home}",
    "train --home {bare}",
    "train --seed -1 --home {bare}",
    "train --labels-as-of soon --home {home}",
    "train --spine {tmp}/elsewhere.csv --home {home}",
    "train --spine {tmp}/narrow.parquet --home {home}",
    "promote anomaly",
    "promote oracle 1 --home {bare}",
    "promote anomaly 1 --home {bare}",
    "promote anomaly first --home {bare}",
    "predict anomaly --spine {tmp}/spine.csv",
    "predict anomaly --spine {tmp}/spine.csv --out {tmp}/p.csv --home {bare}",
    "predict oracle --spine {tmp}/spine.csv --out {tmp}/p.parquet --home {bare}",
    "predict anomaly --spine {tmp}/spine.csv --out {tmp}/p.parquet --home {bare}",
    "predict anomaly --spine {tmp}/elsewhere.csv --out {tmp}/p.parquet --home {bare}",
    "predict anomaly --spine {tmp}/moment.csv --out {tmp}/p.parquet --home {bare}",
    "explain FLOCK-A1 --home {bare}",
    "explain FLOCK-A1 --as-of soon --home {bare}",
    "explain FLOCK-A1 --as-of 2025-06-05 --home {bare}",
    "explain FLOCK-A1 --as-of 2025-06-05 --model oracle --home {bare}",
    "explain FLOCK-A1 --as-of 2025-06-05 --model violations:spoofing --home {bare}",
    "score",
    "score --as-of soon --home {bare}",
    "score --as-of 2025-06-05 --home {bare}",
    "policy backtest {tmp}/nothing --home {bare}",
    "reviews list --status asleep --home {bare}",
    "reviews list --order size --home {bare}",
    "reviews list --waiting --status closed --home {bare}",
    "reviews list --severity mild --home {bare}",
    "reviews list --typology huge --home {bare}",
    "reviews list --page-size 0 --home {bare}",
    "reviews list --page-token garbage --home {bare}",
    "reviews show",
    "reviews show R-unknown --home {bare}",
    "reviews close R-unknown --finding confirmed --by ria --home {bare}",
    "reviews close R-unknown --finding guilty --by ria --home {bare}",
    "reviews close R-unknown --finding cleared --by= --home {bare}",
    "reviews close R-unknown --home {bare}",
    "feedback --home {bare}",
    "keys create --home {bare}",
    "keys create --role king --home {bare}",
    "users add ria --home {bare}",
    "users add ria --role king --password correct-horse --home {bare}",
    "users add ria --role reviewer --home {bare}",
    "migrate --home {tmp}/file",
    "status --home {tmp}/file",
    "serve --home {tmp}/file",
    "nonsense",
]


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(call: Call, places: dict[str, str], line: str) -> None:
    said = call(*line.format(**places).split())
    assert is_one_sentence(said), said
    written = ("v.parquet", "v.csv", "p.parquet", "p.csv", "p.html", "out")
    assert [name for name in written if (Path(places["tmp"]) / name).exists()] == []


@pytest.mark.parametrize("command", [*ALL, *((group,) for group in GROUPS)], ids=" ".join)
def test_an_unknown_option_is_a_wrong_call_of_every_command(call: Call, command: tuple[str, ...]) -> None:
    said = call(*command, "--nonsense")
    assert is_one_sentence(said), said
    assert "--nonsense" in said.err


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_without_its_command_or_with_an_unknown_one_is_a_wrong_call(call: Call, group: str) -> None:
    assert is_one_sentence(call(group))
    assert is_one_sentence(call(group, "nonsense"))


@pytest.mark.parametrize("command", [*ALL, *((group,) for group in GROUPS)], ids=" ".join)
def test_every_command_says_what_it_does(call: Call, command: tuple[str, ...]) -> None:
    said = call(*command, "--help")
    assert said.code == 0
    assert "Usage:" in said.out
    assert said.err == ""


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_every_command_takes_json(call: Call, command: tuple[str, ...]) -> None:
    assert "--json" in call(*command, "--help").out


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("MSCORE_PORT", "many", "MSCORE_PORT"),
        ("MSCORE_ENVIRONMENT", "moon", "MSCORE_ENVIRONMENT"),
        ("MSCORE_DATABASE_URL", "nowhere", "database URL"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    call: Call, places: dict[str, str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = call("migrate", "--home", places["bare"])
    assert is_one_sentence(said), said
    assert named in said.err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import {tmp}/file", "is a file; give the folder that holds the exported tables"),
        ("import {tmp}/file --mapping fdh", "is a file; give the folder"),
        ("import {tmp}/empty", "trades.csv cannot be read: it is empty"),
        ("labels import {tmp}/nothing", "is a folder; give one Parquet or CSV file of labels"),
        ("labels import {tmp}/empty/trades.csv", "it is empty; the first line"),
        ("features build --spine {tmp}/nothing --out {tmp}/v.parquet", "is a folder; give a spine"),
        ("features build --spine {tmp}/empty/trades.csv --out {tmp}/v.parquet", "trades.csv is empty"),
        ("features build --as-of 2025-06-05 --out {tmp}/v.csv", "would hold Parquet; name it v.parquet"),
        ("policy backtest {tmp}/nothing", "is a folder; give a file that `mscore features build` wrote"),
        ("simulate --out {tmp}/file", "is a file; name a folder"),
        (
            "explain FLOCK-A1 --as-of 2025-06-05",
            "no model to explain: violations and anomaly have no champion",
        ),
        ("explain FLOCK-A1 --as-of 2025-06-05 --model m-score", "run `mscore train m-score` first"),
    ],
)
def test_a_wrong_call_says_what_was_given_and_what_to_give(
    call: Call, places: dict[str, str], line: str, told: str
) -> None:
    home = () if line.startswith("simulate") else ("--home", places["bare"])
    said = call(*line.format(**places).split(), *home)
    assert is_one_sentence(said), said
    assert told in said.err
