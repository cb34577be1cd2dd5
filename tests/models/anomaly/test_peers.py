"""Tests of peer groups."""

import json

import numpy as np

from models.anomaly.peers import PeerGroups
from models.vectors import Floats


def groups(matrix: Floats, by: tuple[str, ...] = ("kind",)) -> PeerGroups:
    return PeerGroups.fit(matrix, ("kind", "volume"), by, kappa=100, segment_rows=50, clip=8.0)


def two_kinds(rows: int = 2_000) -> Floats:
    rng = np.random.default_rng(0)
    kind = (np.arange(rows) < rows // 2).astype(float)
    return np.column_stack([kind, rng.normal(10 + 90 * kind, 1.0)])


def test_usual_for_the_own_peers_is_near_even_where_it_is_far_from_the_others() -> None:
    matrix = two_kinds()
    near, far = groups(matrix).distances(np.array([[1.0, 100.0], [0.0, 100.0]]))[:, 1]
    assert abs(near) < 1
    assert far == 8


def test_a_segment_never_seen_is_read_as_everybody() -> None:
    matrix = two_kinds()
    fitted = groups(matrix)
    never, known = np.array([[np.nan, 55.0]]), np.array([[1.0, 55.0]])
    assert 49 < fitted.percentiles(never)[0, 1] < 51
    assert fitted.percentiles(known)[0, 1] == 0


def test_a_small_segment_leans_on_its_parent() -> None:
    matrix = np.vstack([two_kinds()[:1_000], np.column_stack([np.zeros(60), np.full(60, 10.0)])])
    small = groups(matrix).segments["0"]
    everybody = groups(matrix).segments[""]
    assert 10 < small.center[1] < everybody.center[1]
    assert small.scale[1] > 0


def test_an_unknown_value_is_taken_as_usual_and_has_no_percentile() -> None:
    fitted = groups(two_kinds())
    row = np.array([[1.0, np.nan]])
    assert fitted.distances(row)[0, 1] == 0
    assert np.isnan(fitted.percentiles(row)[0, 1])


def test_what_no_peer_of_a_segment_knows_is_read_as_the_parents() -> None:
    matrix = two_kinds()
    matrix[:1_000, 1] = np.nan
    fitted = groups(matrix)
    assert fitted.segments["1"].center[1] == fitted.segments[""].center[1]
    assert abs(fitted.distances(np.array([[1.0, 10.0]]))[0, 1]) < 1
    assert 40 < fitted.percentiles(np.array([[1.0, 10.0]]))[0, 1] < 60


def test_few_known_values_of_a_segment_lean_on_its_parent() -> None:
    matrix = two_kinds()
    matrix[3:1_000, 1] = np.nan
    assert 10 <= groups(matrix).segments["1"].center[1] < 15


def test_where_all_peers_are_equal_an_unknown_value_has_no_percentile() -> None:
    matrix = np.column_stack([np.zeros(200), np.full(200, 3.0)])
    assert np.isnan(groups(matrix).percentiles(np.array([[0.0, np.nan]]))[0, 1])


def test_a_feature_that_is_the_same_for_all_breaks_nothing() -> None:
    matrix = np.column_stack([np.zeros(200), np.full(200, 3.0)])
    distances = groups(matrix).distances(np.array([[0.0, 3.0], [0.0, 4.0]]))
    assert distances[:, 1].tolist() == [0.0, 1.0]


def test_a_heavy_tail_is_flattened_and_keeps_its_order() -> None:
    volume = np.exp(np.random.default_rng(0).normal(5, 2, 500))
    fitted = PeerGroups.fit(
        np.column_stack([np.zeros(500), volume]), ("kind", "volume"), (), kappa=100, segment_rows=50, clip=8.0
    )
    distances = fitted.distances(np.column_stack([np.zeros(500), np.sort(volume)]))[:, 1]
    assert fitted.heavy.tolist() == [False, True]
    assert (np.diff(distances) > 0).all()
    assert np.abs(distances).max() < 8


def test_the_percentile_of_a_common_value_is_in_the_middle_of_its_rows() -> None:
    matrix = np.column_stack([np.zeros(100), np.repeat([0.0, 5.0], 50)])
    shown = groups(matrix).percentiles(np.array([[0.0, -1.0], [0.0, 0.0], [0.0, 9.0]]))[:, 1]
    assert shown[0] == 0
    assert 20 <= shown[1] <= 30
    assert shown[2] == 100


def test_groups_survive_json() -> None:
    matrix = two_kinds()
    fitted = groups(matrix, ("kind", "volume"))
    again = PeerGroups.from_json(json.loads(json.dumps(fitted.as_json())))
    np.testing.assert_array_equal(again.distances(matrix), fitted.distances(matrix))
    np.testing.assert_array_equal(again.percentiles(matrix), fitted.percentiles(matrix))
