"""The shape of the vectors a model reads: its columns in order and the fingerprint of the catalogue behind them."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import Invalid

DAY_US = 86_400_000_000
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class VectorLayout:
    """Which columns a model was fitted on, in order, and the fingerprint of the catalogue that defines them."""

    names: tuple[str, ...] = field(repr=False)
    fingerprint: str

    @classmethod
    def of(cls, catalogue: Catalogue) -> Self:
        """The layout of vectors made with the catalogue."""
        return cls(catalogue.names, catalogue.fingerprint)

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """The frame's features as a float64 matrix, one column a name; what is unknown is NaN.

        Raises:
            Invalid: a column is missing, or holds something that is no number.
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
            raise Invalid(f"The vectors hold something that is no number: {error}.") from error

    def check(self, catalogue: Catalogue) -> None:
        """Make sure that vectors made with the catalogue mean what the model learned.

        Raises:
            Invalid: the features' names or the definitions behind them differ.
        """
        if self.names != catalogue.names:
            changed = sorted(set(self.names) ^ set(catalogue.names))
            what = ", ".join(changed[:5]) if changed else "their order"
            raise Invalid(f"The model was trained on other features ({what} differ); train it again.")
        if self.fingerprint != catalogue.fingerprint:
            raise Invalid(
                f"The model was trained with the catalogue {self.fingerprint}, the vectors come from "
                f"{catalogue.fingerprint}; train it again."
            )


def microseconds(times: pd.Series) -> Floats:
    """Times as microseconds since 1970 UTC; where there is none, NaN."""
    utc = pd.to_datetime(times, utc=True).dt.as_unit("us")
    values: Floats = utc.astype("int64").to_numpy().astype(np.float64)
    values[utc.isna().to_numpy()] = np.nan
    return values
