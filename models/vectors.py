"""The shape of the vectors a model reads: its columns in order and the fingerprint of the catalogue behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.kernel.errors import Invalid
from features.spine import utc_moments

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]


UNVERSIONED = "b183f0c440c14815"
"""The last catalogue without versions: every feature, fact and pattern of it counts as version 1."""


@dataclass(frozen=True, slots=True)
class VectorLayout:
    """Which columns a model was fitted on, in order, and the versions of everything that decides their values.

    Attributes:
        names: the columns.
        fingerprint: of the whole catalogue that the model was trained with; it says where the model comes from.
        versions: of the features it reads, and of the facts and patterns behind them; None where it was trained
            before versions were kept.
    """

    names: tuple[str, ...] = field(repr=False)
    fingerprint: str
    versions: Mapping[str, int] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, catalogue: Catalogue) -> Self:
        """The layout of vectors made with the catalogue."""
        return cls(catalogue.names, catalogue.fingerprint, catalogue.versions(catalogue.names))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The layout that `to_state` wrote.

        Raises:
            KeyError: a part is missing.
        """
        return cls(tuple(state["names"]), state["fingerprint"], state.get("versions"))

    def to_state(self) -> dict[str, Any]:
        """The layout as JSON."""
        return {"names": list(self.names), "fingerprint": self.fingerprint, "versions": self.versions}

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """The frame's features as a float64 matrix, one column a name; what is unknown is NaN.

        Raises:
            Invalid: a column is missing, or holds something that is not a number.
        """
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise Invalid(
                f"The vectors lack {len(missing)} of the model's {len(self.names)} features "
                f"({', '.join(missing[:5])}); build them with the catalogue {self.fingerprint}."
            )
        try:
            return frame[list(self.names)].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise Invalid(f"The vectors hold something that is not a number: {error}.") from error

    def check(self, catalogue: Catalogue, reads: Iterable[str] | None = None) -> None:
        """Make sure that vectors made with the catalogue mean what the model learned.

        Args:
            catalogue: what the vectors are made with.
            reads: the features that the model looks at; all of its columns by default.

        Raises:
            Invalid: a feature it reads is gone, or the version of something behind it has moved.
        """
        names = self.names if reads is None else tuple(reads)
        missing = [name for name in names if name not in catalogue]
        if missing:
            raise Invalid(f"The model reads {missing[0]}, which the catalogue no longer has; train it again.")
        if self.versions is None and self.fingerprint != UNVERSIONED:
            raise Invalid(
                f"The model was trained with the catalogue {self.fingerprint}, without versions; train it again."
            )
        for name, version in catalogue.versions(names).items():
            # A step that was put in between since then, and moved no version, starts at 1 and changed no value.
            learned = 1 if self.versions is None else self.versions.get(name, 1)
            if learned != version:
                raise Invalid(f"{name} is at version {version}, the model learned version {learned}; train it again.")


def series_microseconds(times: pd.Series) -> Floats:
    """Times as microseconds since 1970 UTC; where there is none, NaN.

    Raises:
        Invalid: a time has no zone.
    """
    utc = utc_moments(times)
    values: Floats = utc.astype("int64").to_numpy().astype(np.float64)
    values[utc.isna().to_numpy()] = np.nan
    return values
