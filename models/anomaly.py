"""The anomaly model: isolation forests on distances from peers and from the own past, with conformal p-values.

It says unusual, not bad.
"""

from functools import cached_property
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
from features.errors import Invalid
from models import artifacts
from models.calibration import conformal_p_values
from models.forest import FlatForest
from models.parameters import SHIPPED, AnomalyParameters
from models.peers import PeerGroups
from models.vectors import DAY_US, Flags, Floats, VectorLayout, microseconds

KIND = "anomaly"
OWN_HISTORY = "own_history"
ENOUGH_ACCOUNTS = 20
TRUSTED_TYPES = frozenset({"sklearn.tree._tree.Tree"})
PREDICTED = ("anomaly_score", "anomaly_p_value")


class AnomalyModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Isolation forests of several sample sizes and of two views, averaged on normalised depth.

    One view is how far an account is from its peers, the other how far above its own past (methods 6.2): mixed in one
    forest the few columns of the second would hardly be split on.

    A part of the accounts calibrates, each with its newest row; the others train. Where the rows cover enough time,
    training ends before the calibration window, a purge of several days between them. Accounts confirmed for a
    violation do neither (methods 6.3: clean by independent evidence, never by the score itself).

    Attributes:
        layout: the vectors it reads.
        own_history: the features that are the second view; with none there is one view.
        peers: what a usual value is.
        forests: the fitted forests.
        calibration: the unusualness of the calibration accounts, ascending.
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
        self.layout = layout
        self.own_history = own_history
        self.settings = settings
        self.seed = seed
        self.peers: PeerGroups
        self.forests: tuple[IsolationForest, ...] = ()
        self.calibration: Floats = np.empty(0)
        self.protocol = ""

    @classmethod
    def of(cls, catalogue: Catalogue, *, seed: int = 7) -> Self:
        """An untrained model over all features of the catalogue."""
        own_history = tuple(feature.name for feature in catalogue if feature.family == OWN_HISTORY)
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
        distances = self.peers.distances(matrix[train])
        # What a view leaves out is held at zero, and a forest never splits where all rows are equal.
        views = [np.where(view, distances, 0.0) for view in self._views()]
        trees = settings.trees // len(views)
        self.forests = tuple(
            self._forest(number, trees, size, view)
            for number, (view, size) in enumerate(product(views, settings.samples))
        )
        self.__dict__.pop("_flat_forest", None)
        self.calibration = np.sort(self.unusualness(frame.iloc[calibrate]))
        return self

    def _views(self) -> tuple[Flags, ...]:
        """The columns of each view."""
        own = np.isin(self.layout.names, self.own_history)
        return (~own, own) if own.any() and not own.all() else (np.ones(len(own), dtype=bool),)

    def _forest(self, number: int, trees: int, samples: int, distances: Floats) -> IsolationForest:
        forest = IsolationForest(
            n_estimators=trees,
            max_samples=min(samples, len(distances)),
            random_state=self.seed + number,
        )
        return forest.fit(distances)

    def _halves(self, frame: pd.DataFrame, usual: Flags) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows to train on and those to calibrate on; no account is in both."""
        names = frame["account_id"].to_numpy().astype(str)
        accounts = np.unique(names[usual])
        if len(accounts) < ENOUGH_ACCOUNTS:
            raise Invalid(
                f"The anomaly model needs vectors of at least {ENOUGH_ACCOUNTS} accounts, there are {len(accounts)}."
            )
        shuffled = np.random.default_rng(self.seed).permutation(accounts)
        chosen = np.isin(names, shuffled[: int(len(accounts) * self.settings.calibration_share)])
        early, late = self._before_and_after(microseconds(frame["as_of"]), usual)
        train, calibrate = usual & ~chosen & early, usual & chosen & late
        if min(len(np.unique(names[train])), len(np.unique(names[calibrate]))) < ENOUGH_ACCOUNTS / 2:
            train, calibrate = usual & ~chosen, usual & chosen
            self.protocol = "trained and calibrated on the same days, on different accounts: too few days to part them"
        newest = np.flatnonzero(calibrate)[np.argsort(microseconds(frame["as_of"])[calibrate], kind="stable")]
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

    def distances(self, frame: pd.DataFrame) -> Floats:
        """What the forests see: each feature's distance from the account's peers, rounded to their float32."""
        return self.peers.distances(self.layout.matrix(frame)).astype(np.float32).astype(np.float64)

    def score_samples(self, frame: pd.DataFrame) -> Floats:
        """The mean normalised depth; as in scikit-learn, lower = more unusual."""
        return -self.unusualness(frame)

    def unusualness(self, frame: pd.DataFrame) -> Floats:
        """Negative mean normalised depth: higher = more unusual; the scale explanations add up on."""
        return self._flat_forest.unusualness(self.distances(frame))

    @cached_property
    def _flat_forest(self) -> FlatForest:
        return FlatForest(self.forests)

    def shown(self, unusualness: Floats) -> Floats:
        """The score people see, 0 to 100: the share of usual accounts that are less unusual.

        It rises strictly with the unusualness: linear between calibration accounts, exponential beyond the last. So 99
        means the same in every version, whatever the depths of its forests.
        """
        knots, first, count = np.unique(self.calibration, return_index=True, return_counts=True)
        total = len(self.calibration) + 1
        ranks = (first + (count + 1) / 2) / total
        width = max(float(knots[-1] - knots[0]) / 10, 1e-9)
        above = 1 - (1 - ranks[-1]) * np.exp(-np.maximum(unusualness - knots[-1], 0) / width)
        below = ranks[0] * np.exp(np.minimum(unusualness - knots[0], 0) / width)
        inside = np.interp(unusualness, knots, ranks)
        share = np.where(unusualness > knots[-1], above, np.where(unusualness < knots[0], below, inside))
        return np.asarray(100 * share, dtype=np.float64)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`anomaly_score` (0-100, higher = more unusual) and `anomaly_p_value` (conformal), rows as in the frame."""
        unusualness = self.unusualness(frame)
        p_values = conformal_p_values(unusualness, self.calibration)
        return pd.DataFrame(dict(zip(PREDICTED, (self.shown(unusualness), p_values), strict=True)), index=frame.index)

    def save(self, folder: Path) -> None:
        """Write the model: forests as skops, everything else as JSON."""
        state = {
            "names": list(self.layout.names),
            "fingerprint": self.layout.fingerprint,
            "peers": self.peers.as_json(),
            "calibration": self.calibration.tolist(),
            "forests": len(self.forests),
        }
        files = {f"forest_{number}.skops": skops_io.dumps(forest) for number, forest in enumerate(self.forests)}
        artifacts.write(folder, KIND, state, files)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model written by `save`.

        Raises:
            Invalid: a file is missing, altered, unreadable, or names a type that is not on the list of trusted ones.
        """
        state, files = artifacts.read(folder, KIND)
        try:
            model = cls(VectorLayout(tuple(state["names"]), state["fingerprint"]))
            model.peers = PeerGroups.from_json(state["peers"])
            model.calibration = np.asarray(state["calibration"], dtype=np.float64)
            model.forests = tuple(_forest(files[f"forest_{number}.skops"]) for number in range(state["forests"]))
        except (KeyError, TypeError, ValueError, BadZipFile) as error:
            raise Invalid(f"The anomaly model in {folder} is not complete: {error}.") from error
        return model


def _forest(content: bytes) -> IsolationForest:
    strange = sorted(set(skops_io.get_untrusted_types(data=content)) - TRUSTED_TYPES)
    if strange:
        raise Invalid(f"A stored forest names types that are not trusted: {', '.join(strange)}.")
    return skops_io.loads(content, trusted=sorted(TRUSTED_TYPES))
