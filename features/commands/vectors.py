"""The command that builds vectors."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from features.definitions import CATALOGUE
from features.home import existing_home
from features.kernel.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    application,
    complain,
    emit,
    out,
    progress,
    show_ceilings,
)
from features.kernel.errors import Invalid
from features.kernel.folders import parquet_file
from features.kernel.moments import text_of
from features.pipeline import Features
from features.spine import moment, read_spine

DAY = pd.Timedelta(days=1)

app = application("Vectors.")
features_app = application("The catalogue of features, and vectors of them.")
app.add_typer(features_app, name="features")


@features_app.command("build")
def build(
    out_file: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    as_of: Annotated[str | None, typer.Option(help="Moment for all accounts, such as 2025-06-01.")] = None,
    spine: Annotated[Path | None, typer.Option(help="CSV or Parquet file with account_id and as_of.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Build vectors: of all accounts at one moment, or of the accounts and moments of a spine file."""
    if (as_of is None) == (spine is None):
        raise Invalid("Give either --as-of or --spine.")
    moments = read_spine(spine) if spine else None
    at = moment(as_of) if as_of else None
    lake, file = existing_home(home).lake, parquet_file(out_file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with progress("building vectors") as report:
        features = Features(lake, report)
        rows = moments if moments is not None else features.accounts(at)  # type: ignore[arg-type]
        vectors = features.vectors(rows)
    vectors.to_parquet(file, index=False)
    warning = outside_activity(features, rows["as_of"])
    if warning:
        complain(f"warning: {warning}")
    document = {
        "rows": len(vectors),
        "features": len(CATALOGUE),
        "fingerprint": CATALOGUE.fingerprint,
        "lake_version": features.activity.version,
        "file": str(file),
        "ceilings": features.ceilings(),
    }

    def human() -> None:
        out.print(f"{len(vectors):,} vectors of {len(CATALOGUE)} features in {file}")
        show_ceilings(features.ceilings())

    emit(document, as_json, human)


def outside_activity(features: Features, moments: pd.Series) -> str | None:
    """Where moments lie before the activity or more than a day after it, a sentence that says how many."""
    try:
        first, last = features.span()
    except Invalid as error:
        return str(error)
    count = int(((moments <= first) | (moments > last + DAY)).sum())
    if not count:
        return None
    return (
        f"{count:,} of {len(moments):,} vectors are of moments outside the activity, which lasts from {text_of(first)} "
        f"to {text_of(last)}; before it nothing is known, and after it silence looks like behaviour."
    )
