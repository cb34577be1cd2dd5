"""One call of the command line, and the files and homes that calls name."""

import pandas as pd
import pytest

from features.home import Home
from features.pipeline import Features
from serving.cli import main
from tests.commands.calling import AS_OF, Call, Said
from tests.flock import flock_tables, write_flock


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
    (tmp / "empty").mkdir()
    (tmp / "empty" / "trades.csv").touch()
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
