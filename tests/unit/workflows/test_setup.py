"""What a request comes to: each plugin made once, values of the API checked as those of the command line."""

from collections import Counter

import pytest

from bench.contracts import Plugin
from bench.plugins.available import select
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from bench.plugins.resolver import Resolver
from bench.progress.display import Display
from bench.store.artefacts import Store
from bench.workflows.request import RunRequest
from bench.workflows.setup import choose, set_up
from tests.conftest import refused

QUIET = Display(lines=False)
SMALL = ("phantom.train=4", "phantom.test=2", "phantom.size=32")


@pytest.fixture
def made(monkeypatch):
    """Instances by class."""
    count = Counter()
    plain = Plugin.__init__

    def counted(self, params):
        count[type(self)] += 1
        plain(self, params)

    monkeypatch.setattr(Plugin, "__init__", counted)
    return count


def test_a_run_makes_each_plugin_once(made, tmp_path):
    """Generator, control, dataset, nine metrics, all their extractors, segmenter."""
    pytest.importorskip("diffusers")
    setup = set_up(RunRequest(generators=("siamese",), dataset="polyps", settings=SMALL), Store(tmp_path), QUIET)
    assert {type(one.plugin) for one in setup.spec.generators} < set(made)
    assert len(made) > 12
    assert set(made.values()) == {1}


def test_an_evaluation_makes_each_plugin_once(made):
    pytest.importorskip("torch")
    registry = Registry()
    select(Resolver(registry, load_profile("demo"), ()), (), None, download=False)
    assert {registry.load("metric", "fid"), registry.load("extractor", "inception")} < set(made)
    assert set(made.values()) == {1}


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"masks": "randon"}, ["--masks", "did you mean random?"]),
        ({"train_on": ("reel",)}, ["--train-on", "did you mean real?"]),
        ({"fraction": 20}, ["--fraction", "20"]),
        ({"repeats": 0}, ["--repeats", "0 is out of range"]),
        ({"repeats": 100_000_000}, ["--repeats", "out of range", "1000"]),
        ({"vary": ("sampel",)}, ["--vary", "did you mean sample?"]),
        ({"margin": 0.0}, ["--margin", "out of range"]),
        ({"seeds": 0}, ["--repeats", "0 is out of range"]),
        ({"seeds": 3, "repeats": 3}, ["--seeds", "--repeats N --vary segmenter"]),
        ({"seed": "1"}, ["--seed", "expected int"]),
        ({"batch_size": 0}, ["--batch-size 0"]),
        ({"generators": ("blurred:1", "blurred:1.0")}, ["--generator blurred:1.0", "blurred:1 in other words"]),
    ],
)
def test_a_value_that_no_option_can_have_is_refused(options, parts):
    """Python's values too, which no parser has looked at."""
    refused(lambda: choose(RunRequest(**{"generators": ("siamese",), "dataset": "phantom", **options})), *parts)
