"""The command line as outside programs meet it: exit codes, one sentence for a wrong call, one document for --json."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import typer

from features.definitions import CATALOGUE
from features.home import Home
from features.pipeline import Features
from features.simulator.exchange import Simulation
from serving.cli import COMMANDS, main
from serving.commands.start import database_of, settings_of
from tests.flock import flock_tables, write_flock
from tests.serving.cases import drawn_review, ring_review

AS_OF = "2025-06-05T00:00:00Z"
ACCOUNT = "FLOCK-A1"


def commands() -> Iterator[tuple[str, ...]]:
    """Every command and sub-command."""
    for name, (module, _) in COMMANDS.items():
        group = typer.main.get_command(import_module(module).app)
        command = getattr(group, "commands", {name: group})[name]
        yield from ((name, sub) for sub in command.commands) if hasattr(command, "commands") else ((name,),)


ALL = tuple(commands())
GROUPS = sorted({command[0] for command in ALL if len(command) == 2})


@dataclass(frozen=True)
class Said:
    """What one call said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Call = Callable[..., Said]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs one command line in this process."""
    for name in ("MSCORE_HOME", "MSCORE_DATABASE_URL", "MLFLOW_TRACKING_URI", "MSCORE_NEW_PASSWORD"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        return Said(int(str(ended.value.code)), said.out, said.err)

    return run


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory, exchange_home: Home, exchange: Features) -> dict[str, str]:
    """Files and homes that calls name: {bare} has no lake, {home} the exchange with its facts, but no model."""
    assert exchange.activity.derived == exchange_home.lake.snapshot().derived
    tmp = tmp_path_factory.mktemp("calls")
    (tmp / "bare").mkdir()
    (tmp / "nothing").mkdir()
    (tmp / "file").write_text("text")
    pd.DataFrame({"account_id": ["a"], "as_of": [AS_OF]}).to_csv(tmp / "spine.csv", index=False)
    pd.DataFrame({"account_id": ["a"], "as_of": ["soon"]}).to_csv(tmp / "moment.csv", index=False)
    pd.DataFrame({"account_id": ["a"]}).to_parquet(tmp / "narrow.parquet")
    broken = write_flock(tmp / "broken")
    (broken / "trades.parquet").write_bytes((broken / "trades.parquet").read_bytes()[:500])
    lacking = write_flock(tmp / "lacking")
    flock_tables()["trades"].drop(columns="price").to_parquet(lacking / "trades.parquet")
    (tmp / "mapping.yaml").write_text("tables: {shoes: []}")
    pd.DataFrame({"account_id": ["a"]}).to_parquet(tmp / "labels.parquet")
    return {"tmp": str(tmp), "bare": str(tmp / "bare"), "home": str(exchange_home.folder)}


WRONG = [
    "demo --profile huge --home {bare}",
    "demo --no-serve --home {home}",
    "demo --home {tmp}/file",
    "simulate",
    "simulate --profile huge --out {tmp}/out",
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


def is_one_sentence(said: Said) -> bool:
    """Exit code 2, nothing on stdout, one line on stderr."""
    lines = said.err.splitlines()
    return said.code == 2 and said.out == "" and len(lines) == 1 and lines[0].startswith("mscore: ")


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(call: Call, places: dict[str, str], line: str) -> None:
    said = call(*line.format(**places).split())
    assert is_one_sentence(said), said
    left = [name for name in ("v.parquet", "p.parquet", "p.html", "out") if (Path(places["tmp"]) / name).exists()]
    assert left == []


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


def test_a_wrong_import_leaves_no_lake_behind(call: Call, places: dict[str, str], tmp_path: Path) -> None:
    for folder in ("broken", "lacking"):
        call("import", f"{places['tmp']}/{folder}", "--home", str(tmp_path))
    assert Home(tmp_path).lake.version is None
    assert Home(tmp_path).quarantine.rows().num_rows == 0


def test_an_import_with_bad_rows_is_done_and_says_what_was_set_aside(call: Call, tmp_path: Path) -> None:
    folder, home = write_flock(tmp_path / "export"), str(tmp_path / "home")
    trades = flock_tables()["trades"]
    spoilt = trades.assign(price=trades["price"].where(trades.index != 3, float("inf")))
    spoilt.to_parquet(folder / "trades.parquet")
    said = call("import", str(folder), "--home", home, "--json")
    assert (said.code, said.document["lake_version"]) == (0, "1")
    report = said.document["tables"]["trades"]
    assert report["read"] == report["accepted"] + report["quarantined"] == len(trades)
    assert report["reasons"] == {"price: not a finite number": 1}
    listed = call("quarantine", "list", "--home", home, "--json").document
    assert (listed["total"], listed["rows"][0]["reason"]) == (1, "price: not a finite number")
    assert call("quarantine", "list", "--home", home).code == 0


def test_a_simulation_is_written_and_counted(
    call: Call, simulated: Simulation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("features.cli.simulate_exchange", lambda *_: simulated)
    said = call("simulate", "--profile", "tiny", "--out", str(tmp_path / "out"), "--json")
    assert said.document["rows"]["accounts"] == simulated.activity["accounts"].num_rows
    assert (tmp_path / "out" / "truth").is_dir()


def test_labels_are_imported_from_a_file(call: Call, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    call("import", str(write_flock(tmp_path / "export")), "--home", home)
    rows = pd.DataFrame({"account_id": ["A1"], "typology": "phishing", "finding": "confirmed"})
    rows.to_csv(tmp_path / "labels.csv", index=False)
    said = call("labels", "import", str(tmp_path / "labels.csv"), "--home", home, "--json")
    assert said.document["tables"]["labels"]["accepted"] == 1


def test_vectors_are_written_for_all_accounts_and_for_a_spine(
    call: Call, places: dict[str, str], tmp_path: Path
) -> None:
    out = str(tmp_path / "deep" / "vectors.parquet")
    said = call("features", "build", "--as-of", AS_OF, "--out", out, "--home", places["home"], "--json")
    vectors = pd.read_parquet(out)
    assert said.document["rows"] == len(vectors)
    assert said.document["features"] == len(vectors.columns) - 2
    spine = pd.DataFrame({"account_id": [ACCOUNT], "as_of": [AS_OF], "event_id": ["e1"]})
    spine.to_parquet(tmp_path / "spine.parquet")
    asked = ("--spine", str(tmp_path / "spine.parquet"), "--out", out, "--home", places["home"])
    assert call("features", "build", *asked, "--json").document["rows"] == 1
    one = pd.read_parquet(out)
    assert one["event_id"].tolist() == ["e1"]
    everybody = vectors[vectors["account_id"] == ACCOUNT].reset_index(drop=True)
    pd.testing.assert_frame_equal(one.drop(columns="event_id"), everybody)


def test_the_catalogue_is_described(call: Call) -> None:
    described = call("features", "describe", "--json").document
    assert len(described["features"]) >= 45
    assert {"name", "family", "unit", "window", "clause", "says"} <= described["features"][0].keys()
    assert call("features", "describe").code == 0


def test_evidence_shows_the_rows_behind_a_value(call: Call, places: dict[str, str]) -> None:
    asked = ("evidence", "sessions_n_7d", ACCOUNT, "--as-of", AS_OF, "--home", places["home"])
    found = call(*asked, "--json").document
    assert found["value"] == found["total"] == len(found["rows"])
    assert call(*asked).code == 0


def test_a_value_that_is_not_known_is_null(call: Call, exchange: Features, places: dict[str, str]) -> None:
    vectors = exchange.vectors(exchange.accounts(AS_OF), [CATALOGUE["trades_surge_7d"]]).set_index("account_id")
    without_past = vectors.index[vectors["trades_surge_7d"].isna()][0]
    asked = ("evidence", "trades_surge_7d", without_past, "--as-of", AS_OF, "--home", places["home"])
    assert call(*asked, "--json").document["value"] is None
    assert "unknown: its own usual week" in call(*asked).out


def test_draws_can_be_asked_for_and_left_out(call: Call, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with database_of(settings_of(home)).transaction() as transaction:
        transaction.reviews.open(drawn_review("rev_lot"))
    drawn = call("reviews", "list", "--drawn", "--home", str(home), "--json").document["reviews"]
    assert [review["review_id"] for review in drawn] == ["rev_lot"]
    assert "No review matches." in call("reviews", "list", "--not-drawn", "--home", str(home)).out


def test_a_case_is_told_with_its_reasons_and_links(call: Call, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with database_of(settings_of(home)).transaction() as transaction:
        transaction.reviews.open(ring_review())
    said = call("reviews", "show", "rev_flock", "--home", str(home))
    assert said.code == 0
    for told in ("from -3.400 to 1.130", "withdrawal_address", "links", "proposed:"):
        assert told in said.out


def test_rules_score_without_models_and_their_reviews_are_listed_and_shown(
    call: Call, exchange_home: Home, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    shutil.copytree(exchange_home.folder, home)
    scored = call("score", "--as-of", AS_OF, "--home", home, "--json").document
    assert scored["reviews_opened"]
    again = call("score", "--as-of", AS_OF, "--home", home, "--json").document
    assert again["reviews_opened"] == []
    listed = call("reviews", "list", "--home", home, "--json").document
    assert {review["review_id"] for review in listed["reviews"]} == set(scored["reviews_opened"])
    page = call("reviews", "list", "--page-size", "1", "--home", home, "--json").document
    assert (len(page["reviews"]), bool(page["next_page_token"])) == (1, len(listed["reviews"]) > 1)
    shown = call("reviews", "show", scored["reviews_opened"][0], "--home", home, "--json").document
    assert shown["review_id"] == scored["reviews_opened"][0]
    for asked in (("reviews", "list"), ("reviews", "show", scored["reviews_opened"][0]), ("status",)):
        assert call(*asked, "--home", home).code == 0
    assert call("status", "--home", home, "--json").document["scored_accounts"] == scored["accounts"]


def test_keys_users_policy_and_database_answer_in_json(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path), "--json")
    assert call("migrate", *home).document == {"migrated": True}
    assert call("keys", "create", "--role", "reviewer", *home).document["key"].startswith("msk_")
    monkeypatch.setenv("MSCORE_NEW_PASSWORD", "correct horse battery")
    assert call("users", "add", "ria", "--role", "reviewer", *home).document == {"name": "ria", "role": "reviewer"}
    assert is_one_sentence(call("users", "add", "ria", "--role", "reviewer", *home))
    assert call("policy", "check", "--json").document["rules"]


def test_a_server_says_its_address_as_the_one_document(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("serving.commands.service.serve_app", lambda *_: None)
    said = call("serve", "--home", str(tmp_path), "--json")
    assert said.document == {"address": "http://127.0.0.1:8000"}


def test_the_installed_command_ends_with_the_same_codes() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "serving.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    right = run("--help")
    assert (right.returncode, right.stderr) == (0, "")
    wrong = run("nonsense")
    assert is_one_sentence(Said(wrong.returncode, wrong.stdout, wrong.stderr))


def test_a_server_that_is_interrupted_complains_of_nothing(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "serving.cli", "serve", "--home", str(tmp_path)]
    environment = {**os.environ, "MSCORE_PORT": port}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            for _ in range(300):
                if answers(f"http://127.0.0.1:{port}/healthz"):
                    break
                time.sleep(0.2)
            server.send_signal(signal.SIGINT)
            said, complaint = server.communicate(timeout=60)
        finally:
            server.kill()
    assert said == f"mscore serves http://127.0.0.1:{port}\n"
    assert {json.loads(line)["path"] for line in complaint.splitlines()} == {"/healthz"}


def answers(url: str) -> bool:
    """Whether anybody answers there."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
