"""Keys of stages follow what enters them: the same work is done once, a change reaches only what depends on it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.contracts import Extractor, Generator, Look, Metric, Sample, Segmenter, param
from bench.data.fingerprint import fingerprint
from bench.data.splits import Splits
from bench.plan.actions import Origin
from bench.plan.run_plan import RunSpec, plan
from bench.plan.stage import Ref
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.sections import RandomMasks


@dataclass(frozen=True)
class P:
    extractors: str = param("e", "extractor")


class Toy(Generator, Metric, Segmenter, Extractor):  # type: ignore[misc]
    """Stands for any plugin: the graph asks only for size and label."""

    version = 1
    label = "E"
    backbone, resize, sha256 = "network", "none", "0" * 64
    dim = 1


def choose(kind, name, version=1):
    return ResolvedPlugin(kind=kind, name=name, plugin=Toy(P()), identity={"name": name, "version": version})


def spec(**changes):
    table = Splits(
        asked="d",
        name="d",
        splits={"train": (), "test/a": (), "test/b": ()},
        fingerprints={"train": "t", "test/a": "a", "test/b": "b"},
        absent=(),
        warnings=(),
    )
    generators = (choose("generator", "g1"), choose("generator", "g2"))
    metrics = ((choose("metric", "m"), choose("extractor", "e")),)
    usual = RunSpec(
        data=table,
        profile="demo",
        seed=0,
        repeats=1,
        vary=("generator", "sample", "segmenter"),
        margin=0.01,
        masks="real",
        reference="train",
        multiple=1,
        train_on=("real", "added"),
        generators=generators,
        metrics=metrics,
        segmenters=(choose("segmenter", "s"),),
    )
    return replace(usual, **changes)


def keys(run, action):
    return {stage.label: stage.key for stage in plan(run).stages if stage.action == action}


def test_scores_of_shape_are_another_scoring_of_the_same_maps():
    """Asking for them later trains and predicts nothing again."""
    plain, shaped = spec(), spec(shape_scores=True)
    assert set(keys(plain, "segscore").values()).isdisjoint(keys(shaped, "segscore").values())
    assert keys(plain, "predict") == keys(shaped, "predict")


class Comparing(Toy):  # type: ignore[misc]
    """A metric of pair distances, and an extractor that has another name for them."""

    uses = "distances"

    def look(self, uses):
        return Look("E@64", "stages", "resize to 64 × 64") if uses == "distances" else super().look(uses)


def test_a_metric_of_distances_gets_the_extractor_and_its_name_for_them():
    """No features are asked for; label, backbone and resize are those of distances; another extractor, another key."""
    metric, extractor = (
        ResolvedPlugin(kind=kind, name="c", plugin=Comparing(P()), identity={"name": "c"})
        for kind in ("metric", "extractor")
    )
    (score,) = [stage for stage in plan(spec(metrics=((metric, extractor),))).stages if stage.label == "c of g1"]
    assert set(score.inputs) == {"real", "fake"}
    assert score.extractor is extractor
    assert score.origin == Origin(
        label="E@64",
        backbone="stages",
        weights="00000000",
        resize="own sizes, then resize to 64 × 64",
        reference="train",
    )
    other = replace(extractor, identity={"name": "c", "version": 2})
    assert keys(spec(metrics=((metric, other),)), "score")["c of g1"] != score.key


def test_reference_features_are_computed_once():
    labels = keys(spec(), "features")
    assert sorted(labels) == ["e features of g1", "e features of g2", "e features of real training images"]


def test_every_input_comes_before_what_needs_it():
    seen = set()
    for stage in plan(spec(masks="random", repeats=2)).stages:
        assert set(stage.needs) <= seen
        seen.add(stage.ref)


def test_an_order_of_generators_changes_no_key():
    run = spec()
    turned = replace(run, generators=run.generators[::-1])
    assert {stage.key for stage in plan(run).stages} == {stage.key for stage in plan(turned).stages}


def test_a_new_version_reaches_only_its_descendants():
    run = spec()
    changed = replace(run, generators=(run.generators[0], choose("generator", "g2", version=2)))
    before, after = {s.key for s in plan(run).stages}, {s.label: s.key for s in plan(changed).stages}
    new = {label for label, key in after.items() if key not in before}
    assert new
    assert all("g2" in label for label in new)


def test_a_score_follows_its_network():
    """Other weights, another label, another resize: other scores, though the extractor's name is the same."""
    run = spec()
    for field, value in (("sha256", "1" * 64), ("label", "F"), ("resize", "crop"), ("backbone", "other")):
        other = choose("extractor", "e")
        setattr(other.plugin, field, value)
        changed = replace(run, metrics=((run.metrics[0][0], other),))
        assert not set(keys(run, "score").values()) & set(keys(changed, "score").values()), field
        assert keys(run, "sample") == keys(changed, "sample")


def test_the_reference_moves_scores_only_and_never_those_that_seek_copies():
    train, test = spec(), spec(reference="test")
    moved = {s.label for s in plan(test).stages} - {s.label for s in plan(train).stages}
    assert moved == {"e features of real test images"}
    assert not set(keys(train, "score").values()) & set(keys(test, "score").values())
    seeker = choose("metric", "m")
    seeker.plugin.views = True
    metrics = ((seeker, choose("extractor", "e")),)
    assert keys(spec(metrics=metrics), "features") == keys(train, "features"), "turned images are the score's own work"
    assert keys(spec(metrics=metrics), "score") == keys(spec(metrics=metrics, reference="test"), "score")


def test_maps_metrics_share_training_and_prediction_with_the_leaderboards_lines():
    """One score a segmenter and generator; beside the plain run only the maps of synthetic images are new."""
    plain = spec(segmenters=(choose("segmenter", "s"), choose("segmenter", "t")))
    aligned = choose("metric", "a")
    aligned.plugin.uses = "maps"
    both = replace(plain, metrics=(*plain.metrics, (aligned, None)))
    new = {s.label for s in plan(both).stages if s.key not in {s.key for s in plan(plain).stages}}
    names = [(segmenter, generator) for segmenter in "st" for generator in ("g1", "g2")]
    assert new == {f"predict {s} of {g}" for s, g in names} | {f"a of {g} by {s}" for s, g in names}
    spaces = [(one.generator, one.space) for one in plan(both).comparisons if one.metric == "a"]
    assert spaces == [("g1", "s"), ("g1", "t"), ("g2", "s"), ("g2", "t")]


def counts(run):
    """How many trainings of generators, samples and trainings of networks on a synthetic set there are."""
    made = {action: len(keys(run, action)) for action in ("fit", "sample")}
    return (*made.values(), sum(bool(stage.synthetic) for stage in trained(run).values()))


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        (("generator", "sample", "segmenter"), (6, 6, 6)),
        (("generator",), (6, 6, 6)),
        (("sample",), (2, 6, 6)),
        (("segmenter",), (2, 2, 6)),
        (("sample", "segmenter"), (2, 6, 6)),
    ],
)
def test_repeats_make_anew_what_varies_and_what_follows_it(vary, expected):
    """Two generators, one network, three repeats."""
    assert counts(spec(repeats=3, vary=vary)) == expected
    assert counts(spec()) == (2, 2, 2)


def test_the_first_repeat_is_the_run_without_repeats():
    """So that more repeats later reuse what is there; and what varies alone leaves the others' seeds."""
    one = {stage.key for stage in plan(spec()).stages}
    assert one < {stage.key for stage in plan(spec(repeats=3)).stages}
    assert one < {stage.key for stage in plan(spec(repeats=3, vary=("segmenter",))).stages}


def test_what_is_not_random_in_a_generator_is_done_once():
    run = spec(repeats=3)
    run.generators[0].plugin.varies = ()
    assert counts(run) == (4, 4, 6), "of the other three, and networks on both"
    run.generators[0].plugin.varies = ("sample",)
    assert counts(run) == (4, 6, 6)


def test_rows_and_comparisons_name_the_sets_of_all_repeats():
    planned = plan(spec(repeats=3))
    row = next(one for one in planned.rows if one.generator == "g1")
    compared = [one for one in planned.comparisons if (one.generator, one.metric) == ("g1", "m")]
    assert [one.synthetic for one in compared] == list(row.synthetic)
    assert [one.repeat for one in compared] == [0, 1, 2]
    assert all(len(scores) == 3 for scores in row.scores.values())


def test_random_masks_change_samples_but_not_models():
    real, random = spec(), spec(masks="random")
    assert keys(real, "fit") == keys(random, "fit")
    assert not set(keys(real, "sample").values()) & set(keys(random, "sample").values())


def test_ranges_of_random_masks_change_the_masks_and_what_follows_them():
    usual, upright = (spec(masks="random", random_masks=RandomMasks(rotation=angle)) for angle in (180.0, 0.0))
    for action in ("masks", "sample"):
        assert not set(keys(usual, action).values()) & set(keys(upright, action).values())
    assert keys(usual, "fit") == keys(upright, "fit")


def test_several_images_a_mask_change_samples_but_not_models():
    one, two = spec(), spec(multiple=2)
    assert keys(one, "fit") == keys(two, "fit")
    assert not set(keys(one, "sample").values()) & set(keys(two, "sample").values())


def trained(run):
    return {stage.label: stage for stage in plan(run).stages if stage.action == "train"}


def with_pairs(count, **changes):
    """A run of `count` training pairs."""
    run = spec(**changes)
    return replace(
        run,
        data=replace(run.data, splits={**run.data.splits, "train": (Sample(id="a", image=None, mask=None),) * count}),
    )


def test_each_kind_of_row_trains_on_its_sets():
    run = plan(with_pairs(5, train_on=("only", "equal-updates", "real", "added")))
    assert [(row.trained_on, row.generator, row.pairs) for row in run.rows] == [
        ("real", "none", 5),
        ("real, equal updates", "none", 10),
        ("real+g1", "g1", 10),
        ("real+g2", "g2", 10),
        ("g1 only", "g1", 5),
        ("g2 only", "g2", 5),
    ]
    inputs = [set(stage.inputs) for stage in run.stages if stage.action == "train"]
    assert inputs == [{"real"}, {"real"}, *[{"real", "synthetic"}] * 2, *[{"synthetic"}] * 2]
    assert [bool(row.synthetic) for row in run.rows] == [False, False, True, True, True, True]
    by_ref = {stage.ref: stage for stage in run.stages}
    assert all(by_ref[Ref("train", key)].action == "train" for row in run.rows for key in row.models)


def test_other_rows_leave_a_rows_key_alone():
    """Rows asked for later train nothing anew; the real row's key is that of a run without the others."""
    few, all_of_them = (
        trained(with_pairs(5, train_on=rows)) for rows in (("real",), ("real", "equal-updates", "only"))
    )
    assert all_of_them["train s on real"].key == few["train s on real"].key


def test_equal_updates_follow_the_number_of_pairs_only():
    """Another generator of as many images shares the row; more images a mask are another one."""
    run = with_pairs(5, train_on=("equal-updates",))
    label = "train s on real, equal updates"
    assert trained(replace(run, generators=run.generators[:1]))[label].key == trained(run)[label].key
    assert trained(run)[label].repeated_to == 10
    assert trained(replace(run, multiple=3))[label].repeated_to == 20


def test_sets_of_two_sizes_have_a_row_each():
    """A set made elsewhere may be smaller than the real one: its row is trained as often as it is."""
    run = with_pairs(5, train_on=("equal-updates", "added"))
    run.generators[1].plugin.pairs = {5: 2}.__getitem__
    assert [(row.trained_on, row.pairs) for row in plan(run).rows] == [
        ("real, equal updates (7 pairs)", 7),
        ("real, equal updates (10 pairs)", 10),
        ("real+g1", 10),
        ("real+g2", 7),
    ]


def with_control(count, **changes):
    """A run of `count` training pairs in which g1 makes the real pairs once more."""
    run = with_pairs(count, **changes)
    run.generators[0].plugin.repeats_real = True
    return run


def test_one_training_under_two_names_is_one_row():
    """With one image a mask, real pairs and their copies are the real pairs repeated: both names, one training."""
    run = plan(with_control(5, train_on=("real", "equal-updates", "added")))
    assert [(row.trained_on, row.generator, row.pairs, bool(row.synthetic)) for row in run.rows] == [
        ("real", "none", 5, False),
        ("real+g1 (equal updates)", "g1", 10, True),
        ("real+g2", "g2", 10, True),
    ]
    assert run.rows[1].synthetic == (keys(with_control(5), "sample")["sample g1"],)
    assert len([stage for stage in run.stages if stage.action == "train"]) == 3


def test_rows_asked_for_by_themselves_share_that_training():
    both, equal, added = (
        trained(with_control(5, train_on=rows)) for rows in (("equal-updates", "added"), ("equal-updates",), ("added",))
    )
    key = both["train s on real+g1 (equal updates)"].key
    assert equal["train s on real, equal updates"].key == added["train s on real+g1"].key == key


def test_other_numbers_of_pairs_keep_both_rows():
    """Several images a mask; and a set of another size keeps the row of its own number."""
    rows = ("equal-updates", "added")
    twice = plan(with_control(5, train_on=rows, multiple=2))
    assert [row.trained_on for row in twice.rows] == ["real, equal updates", "real+g1", "real+g2"]
    smaller = with_control(5, train_on=rows)
    smaller.generators[1].plugin.pairs = {5: 2}.__getitem__
    assert [(row.trained_on, row.pairs) for row in plan(smaller).rows] == [
        ("real, equal updates (7 pairs)", 7),
        ("real+g1 (equal updates)", 10),
        ("real+g2", 7),
    ]


def test_a_control_is_named_wherever_it_is_trained_on():
    """And is planned as any other: no key of another stage changes, nor does its own."""
    plain, marked = (spec(train_on=("real", "added", "only")) for _ in range(2))
    marked.generators[1].plugin.control = True
    assert [row.trained_on for row in plan(marked).rows] == [
        "real", "real+g1", "real+g2 (control)", "g1 only", "g2 only (control)",
    ]  # fmt: skip
    assert {stage.key for stage in plan(marked).stages} == {stage.key for stage in plan(plain).stages}


def test_selected_on_test_the_trainings_see_the_test_sets():
    """And are others; the synthetic sets and their scores are the same."""
    last, test = spec(), spec(select="test")
    for label, stage in trained(test).items():
        assert stage.select == {"a": Ref("data", "a"), "b": Ref("data", "b")}
        assert stage.key != trained(last)[label].key
    assert not any(stage.select for stage in trained(last).values())
    assert keys(last, "score") == keys(test, "score")


def test_bytes_decide_not_names_of_folders(pairs):
    one, two = pairs(2, name="one"), pairs(2, name="two")
    assert fingerprint(one) == fingerprint(two)
    assert fingerprint(one) != fingerprint(pairs(2, name="three", seed=1))
    moved = (replace(one[0], group="other"), one[1])
    assert fingerprint(moved) != fingerprint(one)


def test_a_sample_needs_no_more_than_paths():
    assert Sample(id="a", image=Path("a.png"), mask=Path("b.png")).group == ""


def with_unused(**changes):
    """Four training pairs, seven that are left out, and a second generator that takes these."""
    names = {"train": 4, "unused": 7, "test/a": 2}
    splits = {
        split: tuple(Sample(id=f"{split}{n}", image=Path(), mask=Path()) for n in range(count))
        for split, count in names.items()
    }
    data = replace(spec().data, splits=splits, fingerprints={name: f"bytes of {name}" for name in splits})
    run = spec(data=data, train_on=("real", "equal-updates", "added", "only"), **changes)
    run.generators[1].plugin.takes_unused = lambda: True
    return run


@pytest.mark.parametrize("changes", [{}, {"multiple": 2}, {"masks": "random"}])
def test_who_takes_the_unused_pairs_gets_them_each_once_as_they_are(changes):
    """The other samples from the training pairs; both learn from these. Training sets are counted accordingly."""
    planned = plan(with_unused(**changes))
    samples = {stage.generator.name: stage for stage in planned.stages if stage.action == "sample"}
    assert samples["g2"].conditions == Ref("data", "bytes of unused")
    assert samples["g2"].multiple == 1
    assert samples["g1"].conditions != samples["g2"].conditions
    assert {stage.train for stage in planned.stages if stage.action == "fit"} == {Ref("data", "bytes of train")}
    made = 4 * changes.get("multiple", 1)
    pairs = {row.trained_on: row.pairs for row in planned.rows}
    assert pairs == {
        "real": 4, f"real, equal updates ({4 + made} pairs)": 4 + made, "real, equal updates (11 pairs)": 11,
        "real+g1": 4 + made, "real+g2": 11, "g1 only": made, "g2 only": 7,
    }  # fmt: skip


def test_a_remark_stands_behind_the_name_of_the_rows():
    run = with_unused()
    run.generators[0].plugin.remark = lambda: "background of the pair"
    names = [row.trained_on for row in plan(run).rows if row.generator == "g1"]
    assert names == ["real+g1 (background of the pair)", "g1 only (background of the pair)"]
