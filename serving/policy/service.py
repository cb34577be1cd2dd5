"""Back-tests the account rules: on how many vectors of a file each of them would have fired."""

from pathlib import Path

import duckdb

from features.activity.files import quote
from features.kernel.errors import Invalid
from features.kernel.folders import require_file
from serving.policy.backtest import firing_counts_query
from serving.policy.book import Policy
from serving.policy.rules import ACCOUNT, Rule


def backtest_policy(policy: Policy, vectors: Path) -> tuple[int, list[tuple[Rule, int]]]:
    """The number of vectors and, for each live or shadow account rule, on how many of them it fires.

    A request, a list or a measure is unknown to a vector, so rules that need one fire nowhere.

    Raises:
        NotFound: there is no such file.
        Invalid: it is no Parquet file of vectors.
    """
    require_file(vectors, "a file that `mscore features build` wrote")
    rules = policy.active.get(ACCOUNT, ())
    try:
        with duckdb.connect() as engine:
            engine.execute(f"CREATE VIEW vectors AS SELECT * FROM read_parquet({quote(str(vectors))})")  # noqa: S608
            columns = [row[0] for row in engine.execute("DESCRIBE vectors").fetchall()]
            total = engine.execute("SELECT count(*) FROM vectors").fetchall()[0][0]
            counts = engine.execute(firing_counts_query(rules, "vectors", columns)).fetchall()[0]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise Invalid(f"{vectors.name} cannot be read as Parquet vectors: {reason}") from error
    return int(total), list(zip(rules, counts, strict=True))
