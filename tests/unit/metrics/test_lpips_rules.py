"""Which images the perceptual distance compares, and what it says of them. No network, no weights."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.contracts import Context, ImageSet, Sample, Space
from bench.data.pixel_cache import Picture
from bench.stats.bootstrap import mean_interval
from metrics import _pairs
from metrics.lpips import Lpips, Params
from tests.conftest import extraction_of, refused
from tests.unit.engine.test_extraction import Quarters

CTX = Context(seed=3, workdir=Path())
METRIC = Lpips(Params())
NAME = "perceptual-Toy"


def real_set(count, group_of=lambda index: f"g{index // 2}"):
    return tuple(Sample(id=f"m{i:03d}", image=Path(f"real/{i}"), mask=Path(), group=group_of(i)) for i in range(count))


def made_from(real, samples=1):
    """`samples` synthetic images of each mask, named as the suite names them."""
    return tuple(
        Sample(
            id=pair.id if k == 1 else f"{pair.id}-copy{k}", image=Path(f"fake/{pair.id}/{k}"), mask=Path(),
            group=pair.group, source="" if k == 1 else pair.id,
        )
        for k in range(1, samples + 1)
        for pair in real
    )  # fmt: skip


def distance(one, other):
    """Some fixed number of the two paths."""
    return float(np.random.default_rng(sum(map(ord, f"{one.image}|{other.image}"))).uniform())


def toy(pairs):
    return np.array([distance(one, other) for one, other in pairs], dtype=np.float32)


def scores(real, fake, measured=toy, ctx=CTX):
    return METRIC.score(ImageSet(real), ImageSet(fake), Space("Toy", measured), ctx)


@pytest.mark.parametrize(
    ("label", "name"), [("LPIPS-alex@256", "LPIPS-alex@256"), ("Lite0@256", "perceptual-Lite0@256")]
)
def test_only_lpips_bears_the_name(label, name):
    """Another network's column is called otherwise; one measure of each set is the headline."""
    measures = METRIC.measures(label)
    kinds = ["", " gap", " intra-mask", " random-pair", " real-real"]
    assert [measure.name for measure in measures] == [name + kind for kind in kinds]
    assert [measure.name for measure in measures if measure.headline] == [name]


def test_paired_distances_are_the_plain_mean():
    """Each synthetic image and its mask's real image, found by id in sets of any order."""
    real = real_set(9)
    fake = made_from(real)
    score = scores(real, fake[::-1])[NAME]
    by_id = {pair.id: np.float32(distance(pair, other)) for pair, other in zip(real, fake, strict=True)}
    assert score.value == pytest.approx(np.mean(list(by_id.values())))
    assert dict(zip(score.ids, score.per_image.astype(np.float32), strict=True)) == by_id
    assert "read the gap" in score.note


def test_the_gap_is_the_mean_of_differences():
    """Image by image against the real image of a mask of another group; its interval is the differences' own."""
    real, looked = real_set(30), []
    found = scores(real, made_from(real), lambda pairs: looked.extend(pairs) or toy(pairs))
    groups = {pair.id: pair.group for pair in real}
    stranger = {other.id: one for one, other in looked if one.id != other.id}
    assert set(stranger) == set(groups)
    assert all(groups[name] != one.group for name, one in stranger.items())
    assert max(Counter(one.id for one in stranger.values()).values()) <= 2
    paired, gap, random = (found[NAME + kind] for kind in ("", " gap", " random-pair"))
    assert gap.ids == paired.ids == random.ids
    differences = paired.per_image - random.per_image
    assert gap.value == pytest.approx(differences.mean())
    assert (gap.low, gap.high) == mean_interval(differences, [groups[name] for name in gap.ids], CTX.seed)
    assert random.value == pytest.approx(
        np.mean([distance(one, replace(one, image=Path(f"fake/{name}/1"))) for name, one in stranger.items()])
    )


def test_samples_of_a_mask_are_compared_with_each_other():
    """The mean over masks of the mean over all pairs; every sample has its own real image as partner too."""
    real = real_set(6)
    fake = made_from(real, 4)
    found = scores(real, fake)
    literal = []
    for pair in real:
        own = sorted((one for one in fake if one.condition == pair.id), key=lambda one: one.id)
        literal.append(np.mean([distance(own[a], own[b]) for a in range(4) for b in range(a + 1, 4)]))
    assert found[f"{NAME} intra-mask"].value == pytest.approx(np.mean(literal))
    assert len(found[NAME].per_image) == 24
    assert len(found[f"{NAME} real-real"].per_image) == 6


def test_repeating_one_sample_is_no_diversity():
    """Images that the mask determines are at 0 from each other."""
    real = real_set(6)

    def of_mask(pairs):
        return np.array([one.condition != other.condition for one, other in pairs], dtype=np.float32)

    assert scores(real, made_from(real, 3), of_mask)[f"{NAME} intra-mask"].value == 0
    assert f"{NAME} intra-mask" not in scores(real, made_from(real), of_mask)


def test_pairs_within_masks_are_bounded():
    """At most 50 masks, of each at most 8 samples: 28 pairs a mask, however many there are."""
    real = real_set(60)
    kinds = Counter(pair.kind for pair in _pairs.pairs_of(real, made_from(real, 10), 0))
    assert kinds == {"paired": 600, "random-pair": 600, "intra-mask": 50 * 28, "real-real": 50}


def test_without_pairs_only_references_are_left():
    """Masks the reference does not have: no paired distance is made up, and the note says why."""
    real, fake = real_set(20), made_from(real_set(40)[25:], 2)
    found = scores(real, fake)
    assert list(found) == [f"{NAME} intra-mask", f"{NAME} random-pair"]
    random = found[f"{NAME} random-pair"]
    assert len(random.per_image) == 20
    assert len(set(random.ids)) == 20
    assert "nothing paired" in random.note
    assert "not compared" in found[f"{NAME} intra-mask"].note


def test_images_without_a_partner_are_counted():
    """Masks of which the reference has only some."""
    real = real_set(20)
    score = scores(real[:15], made_from(real))[NAME]
    assert len(score.per_image) == 15
    assert "5 of 20 synthetic images" in score.note
    assert (score.n_real, score.n_fake) == (15, 20)


def test_one_group_alone_has_no_stranger_and_no_interval():
    """Frames of one video: nothing unrelated is at hand, and nothing says what another video would give."""
    real = real_set(5, lambda _: "video")
    found = scores(real, made_from(real))
    assert list(found) == [NAME]
    assert found[NAME].low is None


@pytest.mark.parametrize("samples", [1, 4])
def test_every_image_goes_through_the_network_once(pairs, samples):
    """Forwards are n_real + n_synthetic; activations held at a time do not grow with the sets."""
    real = pairs(40)
    images = pairs(40 * samples, name="fake", seed=1)
    fake = tuple(replace(one, image=image.image) for one, image in zip(made_from(real, samples), images, strict=True))
    extractor = Quarters(batch=4)

    def engine(looked):
        pictures = [(Picture(one.image), Picture(other.image)) for one, other in looked]
        return extraction_of(extractor, CTX).distances(pictures)

    scores(real, fake, engine)
    assert extractor.forwards == len(real) + len(fake)
    assert extractor.most <= 24


def test_the_seed_draws_strangers_and_nothing_else():
    """Another seed: other unrelated pairs, the same paired distance; the order of either set plays no part."""
    real = real_set(30)
    fake = made_from(real)
    first, other = scores(real, fake), scores(real, fake, ctx=replace(CTX, seed=4))
    assert first[NAME].value == pytest.approx(other[NAME].value)
    assert first[f"{NAME} random-pair"].value != other[f"{NAME} random-pair"].value
    turned = scores(real[::-1], fake[::-1])
    for name, score in first.items():
        assert (turned[name].value, turned[name].low, turned[name].ids) == (score.value, score.low, score.ids)


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """Images of a group share an effect: the 95 % intervals hold the true means in 88 to 98 % of draws."""
    real = real_set(120, lambda index: f"g{index // 3}")
    fake, draws, hits = made_from(real), 150, Counter()
    truth = {NAME: 0.5, f"{NAME} gap": -0.2, f"{NAME} random-pair": 0.7}
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        effect = {group: rng.normal(0, 0.1) for group in {pair.group for pair in real}}

        def measured(looked, rng=rng, effect=effect):
            paired = np.array([one.id == other.id for one, other in looked])
            shared = np.array([effect[other.group] * (2 if one.id == other.id else 1) for one, other in looked])
            return (np.where(paired, 0.5, 0.7) + shared + rng.normal(0, 0.1, len(looked))).astype(np.float32)

        found = scores(real, fake, measured, replace(CTX, seed=draw))
        hits.update(name for name, value in truth.items() if found[name].low <= value <= found[name].high)
    assert all(0.88 <= hits[name] / draws <= 0.98 for name in truth), hits


def test_what_cannot_be_compared_is_refused():
    """One line each: no distances, nothing there, a distance that is no number with both files."""
    real = real_set(4)
    space = Space("Toy")
    refused(lambda: METRIC.score(ImageSet(real), ImageSet(made_from(real)), space, CTX), NAME, "gives distances")
    refused(lambda: scores((), ()), NAME, "nothing to compare")
    refused(
        lambda: scores(real, made_from(real), lambda looked: np.full(len(looked), np.nan, np.float32)), "real/", "fake/"
    )
