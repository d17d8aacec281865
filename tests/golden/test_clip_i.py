"""CLIP-I is a double loop over pairs, and its intervals are what they say."""

from dataclasses import replace

import numpy as np
import pytest

from bench.contracts import Context, ImageSet, Sample, Space
from metrics import clip_i
from metrics.clip_i import ClipI, Params
from tests.conftest import refused

CTX = Context(seed=0, workdir="")


def image_set(features, groups=(), prefix="s", sources=()):
    count = len(features)
    groups, sources = list(groups) or [""] * count, list(sources) or [""] * count
    samples = tuple(
        Sample(id=f"{prefix}{i}", image="", mask="", group=groups[i], source=sources[i]) for i in range(count)
    )
    return ImageSet(samples, np.asarray(features, dtype=np.float32))


def cloud(count, seed, shift=0.5, dim=12):
    return np.random.default_rng(seed).normal(size=(count, dim)) + shift


def scores(real, fake, label="CLIP-B32"):
    """By the last word of the column."""
    found = ClipI(Params()).score(real, fake, Space(label), CTX)
    return {name.rpartition(" ")[2]: score for name, score in found.items()}


def cosine(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))


def literal(real, fake):
    """Every value by loops over images."""
    r, s = real.features, fake.features
    row = {sample.id: index for index, sample in enumerate(real.samples)}
    pairs = [(row[sample.condition], j) for j, sample in enumerate(fake.samples) if sample.condition in row]
    values = {"all-pairs": np.mean([cosine(a, b) for a in r for b in s])}
    if pairs:
        values["paired"] = np.mean([cosine(r[i], s[j]) for i, j in pairs])
        values["lift"] = values["paired"] - np.mean([cosine(r[i], s[j]) for i, _ in pairs for _, j in pairs])
    values["real-real"] = np.mean([cosine(a, b) for i, a in enumerate(r) for j, b in enumerate(r) if i != j])
    return values


@pytest.mark.parametrize("sources", [(), ("s0", "s0", "s3", "s1", "elsewhere", "s2", "s6"), tuple("abcdefg")])
def test_every_value_is_a_loop_over_pairs(sources):
    """Fakes of every real image; several of one mask and one of none; none with a pair."""
    real, fake = image_set(cloud(8, 1)), image_set(cloud(7, 2), sources=sources)
    found, wanted = scores(real, fake), literal(real, fake)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value, abs=1e-9), name
        assert (found[name].n_real, found[name].n_fake) == (8, 7)


def test_all_pairs_is_the_product_of_the_means_and_paired_adds_the_covariance():
    """mu . mu' and mu . mu' + tr Cov(x, y), on unit vectors."""
    x = cloud(40, 1)
    y = x + cloud(40, 2, shift=0.0)
    found = scores(image_set(x), image_set(y))
    r, s = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
    covariance = sum(np.cov(r[:, d], s[:, d], ddof=0)[0, 1] for d in range(r.shape[1]))
    assert found["all-pairs"].value == pytest.approx(r.mean(0) @ s.mean(0), abs=1e-6)
    assert found["paired"].value == pytest.approx(r.mean(0) @ s.mean(0) + covariance, abs=1e-6)
    assert found["lift"].value == pytest.approx(covariance, abs=1e-6)
    assert covariance > 0.1


def test_copies_have_a_paired_value_of_one_and_the_largest_lift():
    real = image_set(cloud(30, 1))
    found = scores(real, real)
    assert found["paired"].value == pytest.approx(1, abs=1e-9)
    assert found["lift"].value == pytest.approx(1 - found["all-pairs"].value, abs=1e-9)


def test_collapse_onto_the_mean_image_raises_all_pairs():
    """The trap that `real-real` is there for: above what real images have among themselves, with no lift at all."""
    rows = cloud(60, 1)
    mean = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(0)
    found = scores(image_set(rows), image_set(np.repeat(mean[None], 60, axis=0)))
    assert found["all-pairs"].value > found["real-real"].value + 0.1
    assert found["lift"].value == pytest.approx(0, abs=1e-9)


def test_only_clip_b32_bears_the_published_name():
    """Elsewhere it is a cosine with the extractor's label; one headline; pairs are announced first, absent without."""
    real, fake = image_set(cloud(8, 1)), image_set(cloud(8, 2), prefix="t")
    for label, name in (("CLIP-B32", "CLIP-I"), ("Lite0", "cosine-Lite0"), ("CLIP-L14-336", "cosine-CLIP-L14-336")):
        measures = ClipI(Params()).measures(label)
        words = ["all-pairs", "paired", "lift", "real-real"]
        assert [measure.name for measure in measures] == [f"{name} {word}" for word in words]
        assert [measure.headline for measure in measures] == [True, False, False, False]
        assert list(ClipI(Params()).score(real, fake, Space(label), CTX)) == [f"{name} all-pairs", f"{name} real-real"]


def test_per_image_values_are_those_of_the_pairs():
    """Ids are the synthetic images', and the estimator says how many pairs there were."""
    real, fake = image_set(cloud(8, 1)), image_set(cloud(4, 2), prefix="t", sources=["s2", "none", "s2", "s5"])
    score = scores(real, fake)["paired"]
    wanted = [cosine(real.features[i], fake.features[j]) for i, j in ((2, 0), (2, 2), (5, 3))]
    assert score.ids == ("t0", "t2", "t3")
    np.testing.assert_allclose(score.per_image, wanted, atol=1e-9)
    assert score.estimator.startswith("mean of 3 pairs")


GROUPS = ["a", "a", "b", "", "b", "c", "c", "c", "", "d"]


@pytest.mark.parametrize("groups", [(), GROUPS])
def test_parts_left_out_are_what_leaving_groups_out_gives(groups):
    """Closed form = the value of the sets without each group, by loops."""
    real, fake = image_set(cloud(10, 1), groups), image_set(cloud(10, 2), groups)
    found = scores(real, fake)
    names = sorted(set(groups) - {""}) if groups else []
    parts = [[i for i, group in enumerate(groups) if group == name] for name in names]
    parts += [[i] for i in range(10) if not groups or not groups[i]]
    for kind, sides in (("all-pairs", ["real", "fake"]), ("lift", ["both"]), ("real-real", ["real"])):
        assert [part.side for part in found[kind].left_out] == sides
        for left_out in found[kind].left_out:
            wanted = sorted(
                (round(literal(*without(real, fake, left_out.side, part))[kind], 9), len(part)) for part in parts
            )
            ours = sorted((round(value, 9), size) for value, size in zip(left_out.values, left_out.sizes, strict=True))
            np.testing.assert_allclose(ours, wanted, atol=1e-8)


def without(real, fake, side, part):
    rest = np.array([i for i in range(10) if i not in part])
    return (
        real.rows(rest) if side in ("real", "both") else real,
        fake.rows(rest) if side in ("fake", "both") else fake,
    )


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize(
    ("kinds", "shared", "sets"), [(("all-pairs", "real-real"), 0.0, 200), (("paired", "lift"), 1.0, 100)]
)
def test_intervals_cover_the_true_values(monkeypatch, kinds, shared, sets, size):
    """Nominal 95 %: 88-98 %, for images alone and for groups of four that share most of what they are.

    Pairs of sets of 120 images; the truth is that of 20,000. Sets without pairs for the first two, whose interval
    takes the sets as independent.
    """
    monkeypatch.setattr(clip_i, "floors", lambda *_: {})
    truth = limits(*drawn(20_000, 0, 1, shared))
    found = [scores(*drawn(120, 1 + seed, size, shared)) for seed in range(sets)]
    for kind in kinds:
        covered = np.mean([score[kind].low <= truth[kind] <= score[kind].high for score in found])
        assert 0.88 <= covered <= 0.98, (kind, covered)


def limits(real, fake):
    """The values of sets so large that their own pairs play no part."""
    r, s = (images.features / np.linalg.norm(images.features, axis=1, keepdims=True) for images in (real, fake))
    means, paired = float(r.mean(0) @ s.mean(0)), float((r * s).sum(1).mean())
    return {"all-pairs": means, "paired": paired, "lift": paired - means, "real-real": float(r.mean(0) @ r.mean(0))}


def drawn(count, seed, group, shared):
    """Real and synthetic images of `count` scenes, which they share as pairs or not, scenes in groups that share most.

    What one image is by itself does not depend on `group`.
    """
    rng = np.random.default_rng(seed)

    def grouped():
        common = np.repeat(rng.normal(size=(count // group, 8)), group, axis=0)
        return common if group == 1 else 0.9 * common + 0.19**0.5 * rng.normal(size=(count, 8))

    scene, real, fake = grouped(), grouped(), grouped()
    groups = [f"g{i // group}" for i in range(count)] if group > 1 else ()
    prefix = "s" if shared else "unpaired"
    return image_set(shared * scene + real + 1, groups), image_set(shared * scene + fake + 0.8, groups, prefix)


def test_a_single_group_has_no_interval():
    """Nothing can be left out or drawn."""
    one = image_set(cloud(6, 1), ["a"] * 6)
    for score in scores(one, replace(one, features=cloud(6, 2).astype(np.float32))).values():
        assert (score.low, score.high) == (None, None)
        assert np.isfinite(score.value)


def test_an_image_without_direction_is_refused():
    features = cloud(6, 1)
    features[2] = 0
    refused(
        lambda: scores(image_set(features), image_set(cloud(6, 2))), "image number 3 are all 0", "another extractor"
    )


def test_samples_of_one_mask_are_drawn_together():
    """Every pair twice over is no more certain: the same interval as of each pair once."""
    real, values = image_set(cloud(30, 1)), cloud(30, 2)
    once = scores(real, image_set(values))["paired"]
    ids = [f"s{index % 30}" for index in range(60)]
    twice = scores(real, image_set(np.concatenate([values, values]), prefix="t", sources=ids))["paired"]
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=1e-6)


def test_the_floor_is_all_pairs_between_halves_of_the_real_set():
    """Near `real-real`, with the synthetic set's value at the same n beside it."""
    found = scores(image_set(cloud(60, 1)), image_set(cloud(50, 2)))
    floor = found["all-pairs"].floor
    assert (floor.n, floor.splits) == (30, 10)
    assert floor.value == pytest.approx(found["real-real"].value, abs=4 * floor.sd + 1e-3)
    assert floor.at_n == pytest.approx(found["all-pairs"].value, abs=0.05)
