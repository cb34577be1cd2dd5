"""Tests of the vectors' layout."""

import numpy as np
import pandas as pd
import pytest

from features.catalogue import Catalogue
from features.errors import Invalid
from models.vectors import VectorLayout, microseconds
from tests.models.toy import CATALOGUE, OTHER_CATALOGUE, Exchange


def test_the_matrix_follows_the_catalogues_order_whatever_the_frames(toy: Exchange) -> None:
    shuffled = toy.vectors[list(reversed(toy.vectors.columns))]
    layout = VectorLayout.of(CATALOGUE)
    np.testing.assert_array_equal(layout.matrix(shuffled), layout.matrix(toy.vectors))


def test_a_missing_feature_is_named(toy: Exchange) -> None:
    with pytest.raises(Invalid, match="lack 1 of the model's 11 features \\(staked_usd\\)"):
        VectorLayout.of(CATALOGUE).matrix(toy.vectors.drop(columns="staked_usd"))


def test_text_is_no_feature(toy: Exchange) -> None:
    with pytest.raises(Invalid, match="no number"):
        VectorLayout.of(CATALOGUE).matrix(toy.vectors.astype({"staked_usd": object}).replace({"staked_usd": 0.0}, "x"))


def test_another_catalogue_is_refused_and_the_difference_named() -> None:
    layout = VectorLayout.of(CATALOGUE)
    layout.check(CATALOGUE)
    with pytest.raises(Invalid, match="account_age_days"):
        layout.check(Catalogue(CATALOGUE.features[:-1]))
    with pytest.raises(Invalid, match="order"):
        layout.check(Catalogue(CATALOGUE.features[::-1]))
    with pytest.raises(Invalid, match=CATALOGUE.fingerprint):
        layout.check(OTHER_CATALOGUE)


def test_times_become_microseconds_whatever_their_unit() -> None:
    moments = pd.Series([pd.Timestamp("1970-01-01T00:00:01", tz="UTC"), pd.NaT])
    for unit in ("s", "us", "ns"):
        np.testing.assert_array_equal(microseconds(moments.dt.as_unit(unit)), [1e6, np.nan])
