import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from bench.statistics import (
    aa_noise,
    bootstrap_median,
    cluster_bootstrap_mean,
    cluster_bootstrap_means,
    median_known,
    percentile_bounds,
    summarise,
)


@pytest.mark.parametrize("count", [6, 7, 20, 51])
def test_median_interval_is_the_percentile_bootstraps(count):
    values = np.random.default_rng(count).lognormal(size=count)
    interval = bootstrap_median(values)
    reference = stats.bootstrap(
        (values,), np.median, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert interval.value == np.median(values)
    # two runs of 10,000 draws may differ by a neighbouring sample, never by more
    slack = 0.1 * (reference.high - reference.low)
    assert interval.low == pytest.approx(reference.low, abs=slack)
    assert interval.high == pytest.approx(reference.high, abs=slack)


def test_median_interval_of_seven_by_hand():
    # P(a resample's median is the least) = P(Binomial(7, 1/7) >= 4) = 1.0 % < 2.5 %;
    # that it is one of the two least, P(Binomial(7, 2/7) >= 4) = 11 % > 2.5 %
    assert bootstrap_median([3.0, 1.0, 7.0, 2.0, 6.0, 5.0, 4.0]) == (4.0, 2.0, 6.0)


@pytest.mark.parametrize("count", range(1, 6))
def test_a_median_of_fewer_than_six_has_no_interval(count):
    # the range of n values covers the median with probability 1 - 2 / 2^n: 93.75 % for five
    value, low, high = bootstrap_median(range(count))
    assert value == (count - 1) / 2
    assert np.isnan([low, high]).all()
    assert np.isfinite(bootstrap_median(range(6))).all()


def test_rounds_count_not_samples():
    # medians of the rounds: 1 to 5 and 8, of 1, 2, 2, 2, 2 and 3 samples
    values = [1.0, 1.0, 3.0, 2.0, 4.0, 4.0, 4.0, 0.0, 10.0, 8.0, 8.0, 9.0]
    rounds = [0, 1, 1, 2, 2, 3, 3, 4, 4, 7, 7, 7]
    assert bootstrap_median(values, rounds=rounds) == bootstrap_median([1, 2, 3, 4, 5, 8])
    assert np.isnan(bootstrap_median(values[:9], rounds=rounds[:9]).low)
    mixed = np.random.default_rng(0).permutation(len(values))
    assert bootstrap_median(np.take(values, mixed), rounds=np.take(rounds, mixed)) == (
        bootstrap_median(values, rounds=rounds)
    )
    assert summarise(values, rounds=rounds).median == 3.5
    assert summarise(values, rounds=rounds).n == 12


def test_interval_by_rounds_covers_where_samples_of_a_round_are_alike():
    rng = np.random.default_rng(0)
    rounds = np.repeat(np.arange(20), 50)
    covered = {"samples": 0, "rounds": 0}
    for _ in range(200):
        values = rng.normal(size=20)[rounds] + 0.1 * rng.normal(size=len(rounds))
        for name, given in (("samples", None), ("rounds", rounds)):
            _, low, high = bootstrap_median(values, rounds=given)
            covered[name] += bool(low <= 0 <= high)
    assert covered["rounds"] >= 180
    assert covered["samples"] < 100


def test_rounds_fit_the_samples():
    with pytest.raises(ValueError, match="differ in length"):
        bootstrap_median([1.0, 2.0], rounds=[0])


def test_median_interval_covers_the_truth_19_times_in_20():
    rng = np.random.default_rng(0)
    intervals = [bootstrap_median(rng.exponential(size=25)) for _ in range(400)]
    covered = np.mean([low <= np.log(2) <= high for _, low, high in intervals])
    assert 0.91 <= covered <= 0.98


def test_median_interval_of_a_million_samples_is_narrow_and_quick():
    values = np.random.default_rng(0).normal(size=1_000_000)
    value, low, high = bootstrap_median(values)
    # standard error of a normal sample's median: sqrt(pi / 2n)
    expected = 2 * 1.96 * np.sqrt(np.pi / 2 / len(values))
    assert low < value < high
    assert high - low == pytest.approx(expected, rel=0.1)


def test_summary_by_hand():
    summary = summarise([4.0, 1.0, 3.0, 2.0, 5.0, 7.0, 6.0])
    assert (summary.n, summary.median, summary.minimum) == (7, 4.0, 1.0)
    assert (summary.low, summary.high) == (2.0, 6.0)
    assert summary.p90 == pytest.approx(6.4)  # 0.4 of the way from 6 to 7


def test_a_single_sample_has_no_interval():
    summary = summarise([2.0])
    assert summary.median == summary.p90 == summary.minimum == 2.0
    assert np.isnan(summary.low)
    assert np.isnan(summary.high)
    assert np.isnan(cluster_bootstrap_mean([1.0, 2.0], ["s", "s"], ["c", "c"]).low)


@pytest.mark.parametrize(
    ("values", "median"), [([3, math.nan, 1], 2), ([math.nan], None), ([], None)]
)
def test_a_median_of_what_is_known_warns_of_nothing(values, median):
    """pandas' own is numpy's, which warns where nothing is known; warnings are errors here."""
    found = median_known(values)
    assert math.isnan(found) if median is None else found == median


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="no values"):
        summarise([])
    with pytest.raises(ValueError, match="differ in length"):
        cluster_bootstrap_mean([1.0], ["s"], [])


def _grid(style_effect, noise=0.0, styles=6, contents=8):
    rng = np.random.default_rng(3)
    offsets = style_effect * rng.normal(size=styles)
    values = offsets[:, None] + noise * rng.normal(size=(styles, contents))
    names = [(s, c) for s in range(styles) for c in range(contents)]
    return values.reshape(-1), [s for s, _ in names], [c for _, c in names]


def test_cluster_interval_is_wider_than_the_pairs_where_styles_explain_the_variance():
    values, styles, contents = _grid(style_effect=1.0, noise=0.1)
    value, low, high = cluster_bootstrap_mean(values, styles, contents)
    pairs = stats.bootstrap(
        (values,), np.mean, n_resamples=5_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert value == pytest.approx(values.mean())
    assert high - low > 2 * (pairs.high - pairs.low)


def test_cluster_interval_is_the_bootstrap_over_styles_where_contents_add_nothing():
    values, styles, contents = _grid(style_effect=1.0)
    _, low, high = cluster_bootstrap_mean(values, styles, contents)
    means = values.reshape(6, 8).mean(1)
    reference = stats.bootstrap(
        (means,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    slack = 0.05 * (reference.high - reference.low)
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=slack)


def test_several_quantities_at_once_are_as_one_by_one():
    values, styles, contents = _grid(1.0, 1.0)
    for kept in (slice(None), slice(3, -5)):  # whole, and with missing pairs
        pairs = styles[kept], contents[kept]
        both = cluster_bootstrap_means([values[kept], values[kept] ** 2], *pairs, seed=2)
        assert both[0] == pytest.approx(cluster_bootstrap_mean(values[kept], *pairs, seed=2))
        assert both[1] == pytest.approx(cluster_bootstrap_mean(values[kept] ** 2, *pairs, seed=2))
    with pytest.raises(ValueError, match="differ in length"):
        cluster_bootstrap_means([values, values[1:]], styles, contents)


def test_bounds_are_numpys_quantiles():
    draws = np.random.default_rng(0).normal(size=1_234)
    expected = np.quantile(draws, (0.025, 0.975))
    assert percentile_bounds(draws) == pytest.approx(tuple(expected), rel=1e-12)


def test_names_and_their_numbers_are_drawn_alike():
    values, styles, contents = [1.0, 5.0, 2.0, 7.0], ["b", "a", "b", "c"], ["x", "x", "y", "y"]
    by_name = cluster_bootstrap_mean(values, styles, contents)
    numbers = np.array([8, 3, 8, 5]), np.array([1, 1, 0, 0])  # in another order than the names
    assert cluster_bootstrap_mean(values, *numbers) == by_name


def test_cluster_interval_with_missing_pairs():
    values, styles, contents = [1.0, 3.0], ["a", "b"], ["x", "y"]
    # only pairs (a, x) and (b, y): every draw that holds one averages to 1, 2 or 3
    assert cluster_bootstrap_mean(values, styles, contents) == (2.0, 1.0, 3.0)


def test_intervals_repeat_under_a_seed():
    values = np.random.default_rng(0).normal(size=9)
    assert bootstrap_median(values, 5) == bootstrap_median(values, 5)
    grid = _grid(1.0, 1.0)
    assert cluster_bootstrap_mean(*grid, seed=5) == cluster_bootstrap_mean(*grid, seed=5)
    assert cluster_bootstrap_mean(*grid, seed=5) != cluster_bootstrap_mean(*grid, seed=6)


def test_aa_noise_by_hand():
    # too few rounds for an interval: the median ratio itself, in whichever direction
    assert aa_noise([1.0, 1.1, 9.0], [1.0, 1.0, 1.0]) == pytest.approx(0.1)
    assert aa_noise([1.0], [2.0]) == pytest.approx(1.0)
    # rounds 0 and 2 are common, with medians 2 against 1 and 3 against 3
    assert aa_noise([2, 2, 8, 3], [1, 3, 3, 5], [0, 0, 1, 2], [0, 2, 2, 3]) == pytest.approx(
        2**0.5 - 1
    )


def test_aa_noise_is_the_farther_end_of_the_interval():
    ratios = np.array([0.98, 0.99, 1.0, 1.0, 1.01, 1.05, 1.02])
    _, low, high = bootstrap_median(np.log(ratios))
    assert aa_noise(ratios, np.ones(7)) == pytest.approx(np.expm1(max(-low, high)))
    assert aa_noise(ratios, np.ones(7)) > abs(np.median(ratios) - 1)


def test_statistics_import_no_torch():
    code = "import sys, bench.statistics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
