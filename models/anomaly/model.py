"""The anomaly model: isolation forests on distances from peers and from the own past, with conformal p-values.

It says unusual, not bad.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from skops import io as skops_io

from features.catalogue import Catalogue
from features.kernel.errors import Invalid
from features.kernel.moments import DAY_US
from models import artifacts
from models.anomaly.calibrated_forests import CalibratedForests
from models.anomaly.peers import PeerGroups
from models.parameters import SHIPPED, AnomalyParameters
from models.vectors import Flags, Floats, Rows, VectorLayout, series_microseconds

KIND = "anomaly"
OWN_HISTORY_FAMILY = "own_history"
MIN_ACCOUNTS = 20
TRUSTED_TYPES = frozenset({"sklearn.tree._tree.Tree"})
SCORE, P_VALUE = PREDICTED = ("anomaly_score", "anomaly_p_value")


class AnomalyModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Isolation forests of several sample sizes and of two views, averaged on normalised depth.

    One view is how far an account is from its peers, the other how far above its own past
    (docs/methods.md#peer-groups): mixed in one forest the few columns of the second would hardly be split on. A row
    without a past is seen by the first view alone and calibrated on accounts without one; each kind is calibrated on
    all accounts where its own are fewer than ten.

    A part of the accounts calibrates, each with its newest row; the others train. Where the rows cover enough time,
    training ends before the calibration window, a purge of several days between them. Accounts confirmed for a
    violation do neither (docs/methods.md#conformal-p-values: clean by independent evidence, never by the score itself).

    Attributes:
        layout: the vectors it reads.
        own_history: the features that are the second view, each how many times its own usual something is; with none
            there is one view.
        peers: what a usual value is.
        whole: the forests of all views; `peers_alone` those of the first.
        protocol: in words, who trained and who calibrated (empty after `load`).
    """

    def __init__(
        self,
        layout: VectorLayout,
        own_history: tuple[str, ...] = (),
        *,
        settings: AnomalyParameters = SHIPPED.anomaly,
        seed: int = 7,
    ) -> None:
        """An untrained model.

        Raises:
            Invalid: the layout lacks a feature of the own history.
        """
        strange = sorted(set(own_history) - set(layout.names))
        if strange:
            raise Invalid(f"The vectors have no feature {', '.join(strange)}, which is to be an account's own history.")
        self.layout = layout
        self.own_history = own_history
        self.settings = settings
        self.seed = seed
        self.peers: PeerGroups
        self.whole: CalibratedForests
        self.peers_alone: CalibratedForests
        self.protocol = ""

    @classmethod
    def of(cls, catalogue: Catalogue, *, seed: int = 7) -> Self:
        """An untrained model over all features of the catalogue."""
        own_history = tuple(feature.name for feature in catalogue if feature.family == OWN_HISTORY_FAMILY)
        return cls(VectorLayout.of(catalogue), own_history, seed=seed)

    def fit(self, frame: pd.DataFrame, confirmed: ArrayLike | None = None) -> Self:
        """Learn what is usual.

        Args:
            frame: account_id, as_of and the layout's features.
            confirmed: whether the account of each row has a confirmed violation; such rows are left out.

        Raises:
            Invalid: there are too few accounts.
        """
        usual = np.ones(len(frame), dtype=bool) if confirmed is None else ~np.asarray(confirmed, dtype=bool)
        train, calibrate = self._halves(frame, usual)
        matrix, settings = self.layout.matrix(frame), self.settings
        self.peers = PeerGroups.fit(
            matrix[train],
            self.layout.names,
            settings.segments,
            kappa=settings.shrinkage_rows,
            segment_rows=settings.segment_rows,
            clip=settings.clip,
        )
        distances, views = self._distances(matrix[train]), self._views()
        past = self._has_past(matrix[train])
        trees, forests = settings.trees // len(views), []
        for number, (view, size) in enumerate(product(range(len(views)), settings.samples)):
            rows = distances[past] if view and past.sum() >= MIN_ACCOUNTS else distances
            # What a view leaves out is held at zero, and a forest never splits where all rows are equal.
            forests.append(self._forest(number, trees, size, np.where(views[view], rows, 0.0)))
        self._calibrate(forests, matrix[calibrate])
        return self

    def _views(self) -> tuple[Flags, ...]:
        """The columns of each view."""
        own = self._own
        return (~own, own) if own.any() and not own.all() else (np.ones(len(own), dtype=bool),)

    @property
    def _own(self) -> Flags:
        return np.isin(self.layout.names, self.own_history)

    def _has_past(self, matrix: Floats) -> Flags:
        """Which rows know anything of the account's own past; all where there is one view."""
        if len(self._views()) == 1:
            return np.ones(len(matrix), dtype=bool)
        return np.asarray((~np.isnan(matrix[:, self._own])).any(axis=1), dtype=bool)

    def _forest(self, number: int, trees: int, samples: int, distances: Floats) -> IsolationForest:
        forest = IsolationForest(
            n_estimators=trees,
            max_samples=min(samples, len(distances)),
            random_state=self.seed + number,
        )
        return forest.fit(distances)

    def _calibrate(self, forests: list[IsolationForest], matrix: Floats) -> None:
        """Each kind of row on calibration accounts of its kind, or on all where these are too few."""
        distances, past = self._distances(matrix), self._has_past(matrix)
        all_accounts = np.ones(len(matrix), dtype=bool)
        with_past, without = (kind if kind.sum() >= MIN_ACCOUNTS / 2 else all_accounts for kind in (past, ~past))
        self.whole = CalibratedForests.calibrated(forests, distances[with_past])
        self.peers_alone = CalibratedForests.calibrated(forests[: len(self.settings.samples)], distances[without])

    def _halves(self, frame: pd.DataFrame, usual: Flags) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows to train on and those to calibrate on; no account is in both."""
        names = frame["account_id"].to_numpy().astype(str)
        accounts = np.unique(names[usual])
        if len(accounts) < MIN_ACCOUNTS:
            raise Invalid(
                f"The anomaly model needs vectors of at least {MIN_ACCOUNTS} accounts, there are {len(accounts)}."
            )
        shuffled = np.random.default_rng(self.seed).permutation(accounts)
        chosen = np.isin(names, shuffled[: int(len(accounts) * self.settings.calibration_share)])
        early, late = self._before_and_after(series_microseconds(frame["as_of"]), usual)
        train, calibrate = usual & ~chosen & early, usual & chosen & late
        if min(len(np.unique(names[train])), len(np.unique(names[calibrate]))) < MIN_ACCOUNTS / 2:
            train, calibrate = usual & ~chosen, usual & chosen
            self.protocol = "trained and calibrated on the same days, on different accounts: too few days to part them"
        newest = np.flatnonzero(calibrate)[np.argsort(series_microseconds(frame["as_of"])[calibrate], kind="stable")]
        return np.flatnonzero(train), newest[~pd.Series(names[newest]).duplicated(keep="last").to_numpy()]

    def _before_and_after(self, moments: Floats, usual: Flags) -> tuple[Flags, Flags]:
        """Which rows lie in the first part of the time that is covered, and which after it and the purge."""
        first, last = moments[usual].min(), moments[usual].max()
        purge = self.settings.purge_days * DAY_US
        ends = first + (1 - self.settings.calibration_share) * max(0.0, last - first - purge)
        self.protocol = (
            f"trained until {pd.Timestamp(ends, unit='us'):%Y-%m-%d}, calibrated on other accounts from "
            f"{self.settings.purge_days} days later"
        )
        return moments <= ends, moments >= ends + purge

    def _distances(self, matrix: Floats) -> Floats:
        """What the forests see, rounded to their float32: distances from peers, and doublings of the own usual.

        Less than usual counts as usual. Doublings are not measured by those of peers: where these keep to what they
        do, a tenth more would be as far as ten times as much.
        """
        distances, own = self.peers.distances(matrix), self._own
        doublings = np.log2(np.clip(matrix[:, own], 1.0, None))
        distances[:, own] = np.nan_to_num(np.minimum(doublings, self.settings.clip), nan=0.0)
        return distances.astype(np.float32).astype(np.float64)

    def judged_by(self, frame: pd.DataFrame) -> Iterator[tuple[CalibratedForests, Rows, Floats]]:
        """The forests that see the rows: all of them, or, without a past of its own, those of the peers alone.

        Yields:
            the forests, the numbers of the rows that they see, and these rows' distances.
        """
        matrix = self.layout.matrix(frame)
        past, distances = self._has_past(matrix), self._distances(matrix)
        for forests, chosen in ((self.whole, past), (self.peers_alone, ~past)):
            rows = np.flatnonzero(chosen)
            if len(rows):
                yield forests, rows, distances[rows]

    def unusualness(self, frame: pd.DataFrame) -> Floats:
        """Negative mean normalised depth: higher = more unusual; the scale explanations add up on.

        Rows with and without a past of their own are not comparable on it; `score_samples` compares all.
        """
        values = np.empty(len(frame))
        for forests, rows, distances in self.judged_by(frame):
            values[rows] = forests.unusualness(distances)
        return values

    def score_samples(self, frame: pd.DataFrame) -> Floats:
        """Minus the score people see, over 100; as in scikit-learn, lower = more unusual."""
        return -self.predict(frame)[SCORE].to_numpy() / 100

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`anomaly_score` (0-100, higher = more unusual) and `anomaly_p_value` (conformal), rows as in the frame."""
        predictions = np.empty((len(frame), len(PREDICTED)))
        for forests, rows, distances in self.judged_by(frame):
            unusualness = forests.unusualness(distances)
            predictions[rows] = np.column_stack([forests.shown(unusualness), forests.p_values(unusualness)])
        return pd.DataFrame(predictions, columns=list(PREDICTED), index=frame.index)

    @property
    def reads(self) -> tuple[str, ...]:
        """The features it looks at: all of its columns."""
        return self.layout.names

    def save(self, folder: Path) -> None:
        """Write the model: forests as skops, everything else as JSON."""
        state = {
            **self.layout.to_state(),
            "own_history": list(self.own_history),
            "settings": asdict(self.settings),
            "seed": self.seed,
            "peers": self.peers.as_json(),
            "calibration": self.whole.calibration.tolist(),
            "calibration_of_peers_alone": self.peers_alone.calibration.tolist(),
            "forests": len(self.whole.forests),
        }
        files = {f"forest_{number}.skops": skops_io.dumps(forest) for number, forest in enumerate(self.whole.forests)}
        artifacts.write(folder, KIND, state, files)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model written by `save`.

        Raises:
            Invalid: a file is missing, altered, unreadable, or names a type that is not on the list of trusted ones.
        """
        state, files = artifacts.read(folder, KIND)
        try:
            layout = VectorLayout.from_state(state)
            settings = AnomalyParameters.from_json(state["settings"])
            model = cls(layout, tuple(state["own_history"]), settings=settings, seed=state["seed"])
            model.peers = PeerGroups.from_json(state["peers"])
            forests = [_forest(files[f"forest_{number}.skops"]) for number in range(state["forests"])]
            model.whole = CalibratedForests(forests, np.asarray(state["calibration"], dtype=np.float64))
            alone = np.asarray(state["calibration_of_peers_alone"], dtype=np.float64)
            model.peers_alone = CalibratedForests(forests[: len(settings.samples)], alone)
        except (KeyError, TypeError, ValueError, BadZipFile, Invalid) as error:
            raise Invalid(f"The anomaly model in {folder} is not complete: {error}.") from error
        return model


def _forest(content: bytes) -> IsolationForest:
    strange = sorted(set(skops_io.get_untrusted_types(data=content)) - TRUSTED_TYPES)
    if strange:
        raise Invalid(f"A stored forest names types that are not trusted: {', '.join(strange)}.")
    return skops_io.loads(content, trusted=sorted(TRUSTED_TYPES))
