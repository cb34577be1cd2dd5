"""Any bytes between the lines of a CSV file: the import says what is wrong, counts every row and loses no good one.

What holds, whatever the noise is:

1. Nothing but `Invalid` is raised, and that only where the header is at fault.
2. Rows read are rows accepted, superseding, duplicates and set aside, each of the latter with a reason.
3. Noise without a quote costs no good row. Noise with quotes costs a good row only where a quoted field that it opens
   holds that row, and is closed: then a row of the file holds the text of that line.
"""

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.kernel.errors import Invalid
from tests.features.activity.exports import Desk, accounts
from tests.features.activity.test_import_fuzz import EXAMPLES, check_counts

HEADER = b"transfer_id,account_id,ts,direction,asset,amount,amount_usd,counterparty_type,network"
MARKS = [
    b'"',
    b'""',
    b",",
    b";",
    b"\t",
    b"|",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\\",
    b"'",
    b" ",
    b"\xe2\x80\xa8",
    b"a",
]
PHRASES = [b"x" * 3_000, b"x" * 200_000, b",,,,,,,,", b'"x"', b'","', HEADER]
PIECES = st.one_of(st.sampled_from(MARKS), st.sampled_from(PHRASES), st.binary(max_size=6))
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
NOISE = st.lists(PIECES, max_size=8).map(b"".join)
NO_QUOTES = NOISE.map(lambda noise: noise.replace(b'"', b""))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
FEWER = settings(max_examples=max(EXAMPLES // 8, 1), deadline=None, suppress_health_check=SLOW)


def good(number: int) -> bytes:
    """A good row as a line."""
    return b"good%d,a,2025-05-01T00:00:00Z,deposit,USDT,1,1,bank," % number


def lines_with(noise: list[bytes], ends: list[bytes], start: bytes = b"") -> bytes:
    """A file of good rows with noise between them and after them, each line with an end of its own."""
    lines = [start + HEADER, *(line for n, text in enumerate(noise) for line in (good(n), text)), good(len(noise))]
    return b"".join(line + ends[n % len(ends)] for n, line in enumerate(lines))


def imported(desk: Desk, text: bytes) -> tuple[set[str], str]:
    """The transfers that come in from a file, and all texts that were stored or set aside."""
    folder = desk.folder({"accounts": accounts("a")})
    (folder / "transfers.csv").write_bytes(text)
    report = desk.importing().folder(folder).tables["transfers"]
    check_counts(report)
    rows = desk.home.quarantine.rows().to_pylist()
    assert len(rows) == report.quarantined
    held = [pd.read_parquet(path) for path in desk.home.lake.snapshot().files.get("transfers", ())]
    texts = [str(value) for frame in held for column in frame for value in frame[column]]
    texts += [str(value) for row in rows for value in json.loads(row["original"]).values()]
    return {name for frame in held for name in frame["transfer_id"]}, "\n".join(texts)


@FEWER
@example(noise=[b""], ends=[b"\n"], start=b"\xef\xbb\xbf")
@given(
    noise=st.lists(NO_QUOTES, min_size=1, max_size=5),
    ends=st.lists(ENDS, min_size=1, max_size=4),
    start=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_noise_without_a_quote_costs_no_good_row(
    tmp_path_factory: pytest.TempPathFactory, noise: list[bytes], ends: list[bytes], start: bytes
) -> None:
    ids, _ = imported(Desk(tmp_path_factory.mktemp("bytes")), lines_with(noise, ends, start))
    assert {f"good{n}" for n in range(len(noise) + 1)} <= ids


@FEWER
@given(noise=st.lists(NOISE, min_size=1, max_size=5), ends=st.lists(ENDS, min_size=1, max_size=4))
def test_noise_with_quotes_costs_only_good_rows_that_a_quoted_field_holds(
    tmp_path_factory: pytest.TempPathFactory, noise: list[bytes], ends: list[bytes]
) -> None:
    ids, texts = imported(Desk(tmp_path_factory.mktemp("bytes")), lines_with(noise, ends))
    for number in range(len(noise) + 1):
        assert f"good{number}" in ids or good(number).decode() in texts


@FEWER
@given(text=st.lists(st.one_of(NOISE, st.just(HEADER), ENDS), max_size=6).map(b"".join))
def test_a_file_of_any_bytes_is_read_or_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    refusal = None
    try:
        imported(Desk(tmp_path_factory.mktemp("bytes")), text)
    except Invalid as error:
        refusal = str(error)
    assert refusal is None or (refusal.startswith("transfers.csv ") and refusal.endswith("."))
