"""Tests of the vectors' layout."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.catalogue import Catalogue
from features.kernel.errors import Invalid
from models.vectors import UNVERSIONED, VectorLayout, series_microseconds
from tests.models.toy import CATALOGUE, OTHER_CATALOGUE, Exchange


def test_the_matrix_follows_the_catalogues_order_whatever_the_frames(toy: Exchange) -> None:
    shuffled = toy.vectors[list(reversed(toy.vectors.columns))]
    layout = VectorLayout.of(CATALOGUE)
    np.testing.assert_array_equal(layout.matrix(shuffled), layout.matrix(toy.vectors))


def test_a_missing_feature_is_named(toy: Exchange) -> None:
    with pytest.raises(Invalid, match="lack 1 of the model's 11 features \\(staked_usd\\)"):
        VectorLayout.of(CATALOGUE).matrix(toy.vectors.drop(columns="staked_usd"))


def test_text_is_no_feature(toy: Exchange) -> None:
    with pytest.raises(Invalid, match="not a number"):
        VectorLayout.of(CATALOGUE).matrix(toy.vectors.astype({"staked_usd": object}).replace({"staked_usd": 0.0}, "x"))


def test_a_catalogue_whose_versions_moved_is_refused_and_what_moved_is_named() -> None:
    layout = VectorLayout.of(CATALOGUE)
    layout.check(CATALOGUE)
    with pytest.raises(Invalid, match="reads account_age_days, which the catalogue no longer has"):
        layout.check(Catalogue(CATALOGUE.features[:-1]))
    with pytest.raises(Invalid, match="is at version 2, the model learned version 1"):
        layout.check(OTHER_CATALOGUE)


def test_a_feature_that_the_model_does_not_read_retires_nothing() -> None:
    layout = VectorLayout.of(Catalogue(CATALOGUE.features[:-1]))
    layout.check(CATALOGUE)
    layout.check(Catalogue(CATALOGUE.features[::-1]))
    moved = tuple(replace(feature, version=2 if feature.name == "staked_usd" else 1) for feature in CATALOGUE)
    layout.check(Catalogue(moved), reads=("account_age_days", "kyc_level")[1:])
    with pytest.raises(Invalid, match="staked_usd is at version 2"):
        layout.check(Catalogue(moved))


def test_a_fact_behind_a_feature_that_moves_retires_the_model() -> None:
    learned = VectorLayout.of(Catalogue(CATALOGUE.features, lambda _facts: {"fact_toy": 1}))
    with pytest.raises(Invalid, match="fact_toy is at version 2, the model learned version 1"):
        learned.check(Catalogue(CATALOGUE.features, lambda _facts: {"fact_toy": 2}))


def test_a_model_from_before_versions_counts_as_version_1_or_says_that_it_cannot_be_judged() -> None:
    VectorLayout(CATALOGUE.names, UNVERSIONED).check(CATALOGUE)
    with pytest.raises(Invalid, match="catalogue 0123456789abcdef, without versions"):
        VectorLayout(CATALOGUE.names, "0123456789abcdef").check(CATALOGUE)


def test_times_become_microseconds_whatever_their_unit() -> None:
    moments = pd.Series([pd.Timestamp("1970-01-01T00:00:01", tz="UTC"), pd.NaT])
    for unit in ("s", "us", "ns"):
        np.testing.assert_array_equal(series_microseconds(moments.dt.as_unit(unit)), [1e6, np.nan])
