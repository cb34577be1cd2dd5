"""Tests of models in another process."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

from models.training import Trained
from tests.models.toy import Exchange

LOAD_AND_PREDICT = """
import sys
from pathlib import Path
import pandas as pd
from models.anomaly.model import AnomalyModel
from models.m_score.model import MScoreModel
from models.violations.model import ViolationModels
folder = Path(sys.argv[1])
vectors = pd.read_parquet(folder / "vectors.parquet")
for kind in (AnomalyModel, ViolationModels, MScoreModel):
    kind.load(folder / kind.__name__).predict(vectors).to_parquet(folder / f"{kind.__name__}.parquet")
"""


def test_models_loaded_in_another_process_predict_the_same_to_the_last_bit(
    toy: Exchange, anomaly: Trained, violations: Trained, m_score: Trained, tmp_path: Path
) -> None:
    toy.vectors.to_parquet(tmp_path / "vectors.parquet")
    models = [trained.model for trained in (anomaly, violations, m_score)]
    for model in models:
        model.save(tmp_path / type(model).__name__)
    subprocess.run([sys.executable, "-c", LOAD_AND_PREDICT, str(tmp_path)], check=True)
    for model in models:
        again = pd.read_parquet(tmp_path / f"{type(model).__name__}.parquet")
        pd.testing.assert_frame_equal(again, model.predict(toy.vectors), check_exact=True)
