"""What labels say about each row of vectors: confirmed, cleared, or nothing yet."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.kernel.moments import DAY_US, microseconds
from models.parameters import SHIPPED
from models.vectors import Flags, series_microseconds


@dataclass(frozen=True, slots=True)
class RowTarget:
    """One typology's labels on the rows of a frame; what is neither positive nor negative is unlabelled.

    Attributes:
        positive: confirmed, with an onset at or before the row's moment, and not yet settled.
        settled: confirmed with an onset, and known so long before the row's moment that it says nothing of what the
            account does then: neither learned nor tested.
        negative: cleared.
        overturned: cleared on appeal.
        independent: cleared by a source outside (`external`), so not chosen for review by our own scores and rules.
    """

    typology: str
    positive: Flags
    negative: Flags
    overturned: Flags
    independent: Flags
    settled: Flags

    @property
    def unlabelled(self) -> Flags:
        """The rows about which nothing is known."""
        return ~(self.positive | self.negative | self.settled)


def known_findings(labels: pd.DataFrame, labels_as_of: pd.Timestamp | None) -> pd.DataFrame:
    """The newest finding on each account, typology and event known at the cut-off; of two at once the confirmed one.

    Columns: account_id, typology, event_id (str or null), finding, source, group_id, known_us, onset_us (-inf where the
    label has no onset).
    """
    known_at = series_microseconds(labels["known_at"])
    onset = series_microseconds(labels["onset"])
    findings = pd.DataFrame(
        {
            "account_id": labels["account_id"].astype(str),
            "typology": labels["typology"].astype(str),
            "event_id": _optional(labels, "event_id"),
            "group_id": _optional(labels, "group_id"),
            "finding": labels["finding"].astype(str),
            "source": labels["source"].astype(str),
            "onset_us": np.where(np.isnan(onset), -np.inf, onset),
            "known_us": known_at,
        }
    )
    if labels_as_of is not None:
        findings = findings[known_at <= microseconds(labels_as_of)]
    confirmed = (findings["finding"] == "confirmed").rename("confirmed")
    ordered = findings.assign(confirmed=confirmed).sort_values(["known_us", "confirmed"], kind="stable")
    newest = ordered.drop_duplicates(["account_id", "typology", "event_id"], keep="last")
    return newest.drop(columns=["confirmed"]).reset_index(drop=True)


def first_known_mate(confirmed: pd.DataFrame) -> "pd.Series[float]":
    """By account: when a finding about another member of its group was first known (microseconds); others are absent.

    Args:
        confirmed: account_id, group_id (null where found alone) and known_us of confirmed findings.
    """
    grouped = confirmed.dropna(subset=["group_id"])[["account_id", "group_id", "known_us"]]
    pairs = grouped[["account_id", "group_id"]].merge(grouped, on="group_id", suffixes=("", "_mate"))
    mates = pairs[pairs["account_id"] != pairs["account_id_mate"]]
    return mates.groupby("account_id")["known_us"].min()


def row_target(
    frame: pd.DataFrame, findings: pd.DataFrame, typology: str, *, finding_days: float = SHIPPED.finding_days
) -> RowTarget:
    """What the findings of one typology say about the frame's rows.

    A finding about an event speaks of the row that judges this event; on rows without one it speaks of the account.
    With an onset it speaks of an account until `finding_days` after it was known, without one always.
    """
    of_typology = findings[findings["typology"] == typology]
    accounts = frame["account_id"].astype(str)
    as_of = series_microseconds(frame["as_of"])
    events = _optional(frame, "event_id")
    has_event = events.notna().to_numpy()
    about_event = of_typology["event_id"].notna()
    of_account = _flags(of_typology, "account_id", accounts, as_of)
    whole_account = _flags(of_typology[~about_event], "account_id", accounts, as_of)
    of_event = _flags(of_typology[about_event], "event_id", events, as_of)
    judged = [event | whole for event, whole in zip(of_event, whole_account, strict=True)]
    positive, cleared, overturned, independent = (
        np.where(has_event, event, account) for event, account in zip(judged, of_account, strict=True)
    )
    settled = positive & ~has_event & ~_speaks(of_typology, accounts, as_of, finding_days * DAY_US)
    positive = positive & ~settled
    reviewed = positive | settled
    return RowTarget(typology, positive, cleared & ~reviewed, overturned & ~reviewed, independent & ~reviewed, settled)


def _speaks(findings: pd.DataFrame, accounts: pd.Series, as_of: np.ndarray, length_us: float) -> Flags:
    """Whether any confirmed finding of the account has begun and is without onset, or was known not too long ago."""
    confirmed = findings[findings["finding"] == "confirmed"]
    until = confirmed["known_us"].where(~np.isneginf(confirmed["onset_us"]), np.inf) + length_us
    rows = pd.DataFrame({"row": np.arange(len(accounts)), "account_id": accounts.to_numpy(), "as_of_us": as_of})
    pairs = rows.merge(confirmed[["account_id", "onset_us"]].assign(until=until), on="account_id")
    speaking = pairs.loc[(pairs["onset_us"] <= pairs["as_of_us"]) & (pairs["as_of_us"] <= pairs["until"]), "row"]
    speaks = np.zeros(len(accounts), dtype=bool)
    speaks[speaking.to_numpy()] = True
    return speaks


def confirmed_rows(frame: pd.DataFrame, findings: pd.DataFrame) -> Flags:
    """Whether a row's account was confirmed for anything at all, at any time."""
    accounts = findings.loc[findings["finding"] == "confirmed", "account_id"]
    confirmed: Flags = frame["account_id"].astype(str).isin(accounts).to_numpy()
    return confirmed


def groups_of(frame: pd.DataFrame, findings: pd.DataFrame) -> NDArray[np.str_]:
    """Who must stay together when rows are divided: the ring of a labelled account, else the account itself."""
    rings = findings.dropna(subset=["group_id"]).drop_duplicates("account_id").set_index("account_id")["group_id"]
    accounts = frame["account_id"].astype(str)
    in_ring = accounts.isin(rings.index)
    names = accounts.map(rings).where(in_ring, accounts).astype(str)
    together = np.where(in_ring, "ring ", "account ").astype(object) + names.to_numpy(dtype=object)
    return np.asarray(together, dtype=np.str_)


def _optional(frame: pd.DataFrame, column: str) -> pd.Series:
    if column in frame.columns:
        return frame[column].astype("object").where(frame[column].notna(), None)
    return pd.Series(None, index=frame.index, dtype="object")


def _flags(findings: pd.DataFrame, key: str, values: pd.Series, as_of: np.ndarray) -> tuple[Flags, ...]:
    confirmed = findings[findings["finding"] == "confirmed"]
    cleared = findings[findings["finding"] == "cleared"]
    onset = values.map(confirmed.groupby(key)["onset_us"].min()).to_numpy(dtype=np.float64, na_value=np.nan)
    keys = (
        cleared[key],
        cleared.loc[cleared["source"] == "appeal", key],
        cleared.loc[cleared["source"] == "external", key],
    )
    return (
        np.asarray(onset <= as_of),
        *((values.isin(values_of_key) & values.notna()).to_numpy() for values_of_key in keys),
    )
