"""The plan as text: what is cached, what costs how much, and how many images each stage goes through."""

import re
import sys
from dataclasses import replace

import pytest

from bench.contracts import Cost, NoParams, Sample
from bench.cost.speed import Speed
from bench.plan.run_plan import plan
from bench.plugins.resolved import ResolvedPlugin
from bench.store.artefacts import Store
from bench.text import WIDTH
from bench.workflows import dry_run as module
from bench.workflows.costs import Costs, sizes_of
from bench.workflows.dry_run import outline
from tests.unit.plan.test_run_plan import P, Toy, spec

PAIR = Sample(id="a", image=None, mask=None)


class Worker(Toy):
    """Says a second and a gigabyte an image, and remembers what it was asked."""

    def __init__(self, params, asked):
        super().__init__(params)
        self.asked = asked

    def cost(self, action, images, devices):
        self.asked.append((action, images, devices))
        return Cost(flops=images, moved=0.0, calls=0.0, memory=images * 1e9, note=f"{images} images")


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(module, "speed_of", lambda *_: Speed(1.0, 1.0, 1.0))
    plain = spec()
    data = replace(plain.data, splits={"train": (PAIR,) * 7, "test/a": (PAIR,) * 2, "test/b": (PAIR,) * 3})
    return replace(plain, data=data)


def worker(kind, name, asked):
    return ResolvedPlugin(kind=kind, name=name, plugin=Worker(P(), asked), identity={"name": name})


def lines(run, store):
    planned = plan(run)
    return list(outline(run, planned, store, Costs(planned, sizes_of(run), print), "cpu"))


def stages(text):
    return [line for line in text if re.match(r" {0,2}\d+ ", line)]


def test_without_costs_nothing_is_measured(run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "speed_of", lambda *_: pytest.fail("measured"))
    text = lines(run, Store(tmp_path))
    assert len(stages(text)) == len(plan(run).stages)
    assert all(line.endswith("to do") for line in stages(text))


def test_each_stage_is_asked_for_the_images_it_goes_through(run, tmp_path):
    asked = []
    run = replace(run, multiple=2, generators=(worker("generator", "g1", asked),),
                  segmenters=(worker("segmenter", "s", asked),))  # fmt: skip
    text = lines(run, Store(tmp_path))
    assert sorted(set(asked)) == [("fit", 7, 1), ("predict", 2, 1), ("predict", 3, 1), ("sample", 14, 1),
                                  ("train", 7, 1), ("train", 21, 1)]  # fmt: skip
    assert len(asked) == len(set(asked)), "equal work is counted once"
    assert next(line for line in text if "sample g1" in line).split()[-4:] == ["~14", "s", "~14", "GB"]
    assert text.count("      21 images") == 1
    total = " ".join(text)
    assert all(part in total for part in (f"{len(stages(text))} of {len(stages(text))} ", "59 s", "21 GB"))


def test_rows_are_told_with_their_pairs(run, tmp_path):
    """And the repeated real set is gone through as often as it is repeated."""
    asked = []
    run = replace(run, train_on=("real", "equal-updates", "only"), segmenters=(worker("segmenter", "s", asked),))
    text = " ".join(lines(run, Store(tmp_path)))
    for row, pairs in {"real": 7, "real, equal updates": 14, "g1 only": 7, "g2 only": 7}.items():
        assert f"{row} ({pairs} pairs)" in text
    assert sorted({images for action, images, _ in asked if action == "train"}) == [7, 14]


def test_the_test_images_as_reference_are_counted(run, tmp_path):
    """All test sets as one."""
    asked = []
    metric, extractor = run.metrics[0][0], worker("extractor", "e", asked)
    lines(replace(run, reference="test", metrics=((metric, extractor),)), Store(tmp_path))
    assert sorted(asked) == [("features", 5, 1), ("features", 7, 1)]


def test_launched_processes_are_told_to_the_plugin(run, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    asked = []
    lines(replace(run, generators=(worker("generator", "g1", asked),)), Store(tmp_path))
    assert {devices for _, _, devices in asked} == {4}


def test_what_is_in_the_store_is_cached(run, tmp_path):
    store, (first, *_) = Store(tmp_path), plan(run).stages
    store.path(first.action, first.key).mkdir(parents=True)
    text = lines(run, store)
    assert stages(text)[0].endswith("cached")
    assert all(line.endswith("to do") for line in stages(text)[1:])
    count = len(stages(text))
    assert f"total: {count - 1} of {count} stages to do" in " ".join(text)


@pytest.mark.parametrize(
    ("cost", "parts"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda *_: sys.exit(7), "SystemExit: 7"),
        (lambda *_: "lots", "'lots', which is no Cost"),
        (lambda *_: Cost(flops=1.0, moved=0.0, calls=0.0, memory=float("nan")), "no Cost of finite numbers"),
    ],
)
def test_a_plugin_that_fails_to_estimate_is_named_and_its_work_still_planned(
    run, tmp_path, monkeypatch, capsys, cost, parts
):
    monkeypatch.setattr(Worker, "cost", cost)
    text = lines(replace(run, generators=(worker("generator", "g1", []),)), Store(tmp_path))
    assert all(line.endswith("to do") for line in stages(text))
    said = capsys.readouterr().out
    assert "train g1: no estimate of its time: " in said
    assert parts in said


def test_lines_fit_a_terminal(run, tmp_path):
    asked = []
    run = replace(run, generators=(worker("generator", "a-rather-long-name", asked),))
    assert all(len(line) <= WIDTH for line in lines(run, Store(tmp_path)))


@pytest.mark.parametrize(
    ("took", "text"),
    [(0.2, "< 1 s"), (40, "~40 s"), (89, "~89 s"), (90, "~1.5 min"), (3600, "~60 min"), (5400, "~1.5 h"),
     (9.2 * 3600, "~9.2 h"), (2 * 86400, "~2 d"), (86400 * 143, "~143 d")],
)  # fmt: skip
def test_durations_are_round(took, text):
    assert module._duration(took) == text


def test_params_of_a_plugin_without_any(run, tmp_path):
    bare = replace(run.generators[0], plugin=Toy(NoParams()))
    assert "generator g1: no parameters" in lines(replace(run, generators=(bare,)), Store(tmp_path))
