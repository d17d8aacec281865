"""Sets of one run are compared in pairs, by the interval of the difference itself; what is beyond it is told."""

import numpy as np
import pytest

from bench.analysis.estimate import Estimate
from bench.analysis.records import SetRecord
from bench.analysis.set_differences import MOST, SetDifference, sentences, set_differences
from bench.contracts import LeftOut, Measure, Score
from bench.store.run_manifest import Comparison
from bench.store.score_file import Basis, Scored

N = 40
RNG = np.random.default_rng(0)
REAL, FAKES = RNG.normal(size=N), {name: RNG.normal(shift, 0.1, N) for name, shift in (("x", 1), ("y", 3), ("z", 3))}
IDS = tuple(f"i{n}" for n in range(N))
HEADLINE = Measure("KD", headline=True)


def without_one(values):
    return (values.sum() - values) / (len(values) - 1)


def distance(name):
    """Mean of a synthetic set less that of the real one: what the sets share is the real mean, and its error."""
    fake = FAKES[name]
    parts = (LeftOut("real", fake.mean() - without_one(REAL), np.ones(N)),
             LeftOut("fake", without_one(fake) - REAL.mean(), np.ones(N)))  # fmt: skip
    return Score(value=float(fake.mean() - REAL.mean()), n_real=N, n_fake=N, left_out=parts)


def made(name, *scored, reference="train", **changes):
    asked = {"metric": "kid", "space": "e", "repeat": 0, "synthetic": f"set {name}", "key": f"key {name}", **changes}
    return SetRecord(
        comparison=Comparison(generator=name, **asked),
        sets=(asked["synthetic"],),
        basis=Basis(reference=reference),
        scored=scored or (Scored(HEADLINE, distance(name)),),
    )


def test_the_error_that_two_sets_share_is_not_in_their_difference():
    """Twice the spread of the real images' mean would swamp it; the difference of the synthetic means is all."""
    (found,) = set_differences([made("x"), made("y")], 0)
    gap = FAKES["y"].mean() - FAKES["x"].mean()
    assert (found.measure, found.a, found.b, found.n) == (HEADLINE, "y", "x", N)
    assert found.estimate.value == pytest.approx(gap)
    error = np.sqrt((FAKES["x"].var(ddof=1) + FAKES["y"].var(ddof=1)) / N)
    assert found.estimate.high - gap == pytest.approx(1.96 * error, rel=0.05)
    assert gap - found.estimate.low == pytest.approx(1.96 * error, rel=0.05)
    assert error < 0.2 * REAL.std(ddof=1) / np.sqrt(N)
    assert found.method == "jackknife of the difference"


def test_every_pair_is_compared_the_later_less_the_earlier():
    found = set_differences([made("x"), made("y"), made("z")], 0)
    assert [(one.a, one.b) for one in found] == [("y", "x"), ("z", "x"), ("z", "y")]


def test_parts_of_one_set_are_not_compared_with_it_or_each_other():
    """They share images, of which the difference's interval knows nothing."""
    parts = {"x (a)": "x", "x (b)": "x"}
    records = [made(name, Scored(HEADLINE, distance(name[0]))) for name in ("x", "y", *parts)]
    found = set_differences(records, 0, parts)
    assert [(one.a, one.b) for one in found] == [("y", "x"), ("x (a)", "y"), ("x (b)", "y")]


def test_sets_are_compared_under_one_metric_in_one_space_against_one_reference():
    others = [made("y", metric="fid"), made("y", space="f"), made("y", reference="test")]
    assert set_differences([made("x"), *others], 0) == []


def test_means_over_images_are_compared_image_by_image_and_group_by_group():
    """Images are found by id, whatever their order; a video that leans one way makes the interval wider."""
    lean = np.repeat(RNG.normal(size=N // 8), 8) + RNG.normal(0, 0.01, N)
    shared = RNG.normal(0, 5, N)

    def mean(name, values, ids, groups):
        score = Score(value=float(values.mean()), n_real=N, n_fake=N, per_image=values, ids=ids)
        return made(name, Scored(Measure("LPIPS"), score, groups=groups))

    def compare(groups):
        return set_differences(
            [mean("x", shared, IDS, groups), mean("y", (shared + lean)[::-1], IDS[::-1], groups[::-1])], 0
        )

    (alone,) = compare(IDS)
    (videos,) = compare(tuple(f"video {n // 8}" for n in range(N)))
    assert alone.estimate.value == videos.estimate.value == pytest.approx(lean.mean())
    widths = [one.estimate.high - one.estimate.low for one in (alone, videos)]
    assert widths[1] > 1.5 * widths[0]
    assert widths[0] < 1
    assert (alone.n, alone.method) == (N, f"bootstrap over groups of {N} paired images")


def test_what_has_no_interval_or_ranks_nothing_is_not_compared():
    """A point without its noise, a reference value, a third of the lesions, a measure only one set has."""
    point = Scored(HEADLINE, Score(value=1.0, n_real=N, n_fake=N))
    assert set_differences([made("x", point), made("y", point)], 0) == []
    for scored in (Scored(Measure("KD", "", sees=()), distance("x")), Scored(HEADLINE, distance("x"), "small lesions")):
        assert set_differences([made("x", scored), made("y", scored)], 0) == []
    assert set_differences([made("x"), made("y", Scored(Measure("KD 2"), distance("y")))], 0) == []


def row(low, high, a="y", metric="KD", headline=True):
    measure, estimate = Measure(metric, headline=headline), Estimate((low + high) / 2, low, high)
    return SetDifference(measure=measure, a=a, b="x", estimate=estimate, method="jackknife", n=N)


def test_only_headline_differences_beyond_their_noise_are_told():
    told = sentences([row(0.5, 1.5), row(-0.1, 0.3), row(-3, -1, metric="LPIPS"), row(2, 3, headline=False)])
    assert told[:2] == ["KD: y above x by 1.0000 [0.5000, 1.5000]", "LPIPS: y below x by 2.0000 [1.0000, 3.0000]"]
    assert "looked at: 3, not corrected" in told[2]
    assert len(told) == 3
    assert sentences([row(-0.1, 0.3)]) == sentences([row(0.0, 0.0)]) == sentences([]) == []


def test_a_table_names_no_more_than_a_few():
    told = sentences([row(0.5, 1.5, a=f"g{n}") for n in range(MOST + 3)])
    assert sum("above x by" in line for line in told) == MOST
    assert any(line.startswith("3 more such differences are in differences.csv") for line in told)
