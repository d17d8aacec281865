"""What a rule keeps of a set: the pairs whose values pass, as a set of their own."""

import numpy as np
import pytest

from bench.contracts import Context, Measure, Score
from bench.engine.actions import perform
from bench.engine.job import Job
from bench.errors import BenchError
from bench.images import load_rgb
from bench.plan.actions import Keep
from bench.plan.keep_rule import parse_keep
from bench.plan.stage import DATA, Ref
from bench.store.artefacts import Store, Workspace
from bench.store.pair_index import read_index
from bench.store.score_file import Scored, save_scores
from tests.conftest import make_pairs


@pytest.fixture
def keep(tmp_path, monkeypatch):
    """`keep(rule, metric=(better, values))`: ids that the rule leaves of five pairs."""
    pairs = make_pairs(tmp_path / "pairs", 5)

    def run(text, **metrics):
        rule, out = parse_keep(text), tmp_path / "out"
        (tmp_path / "work").mkdir()
        out.mkdir()
        for name in rule.metrics:
            folder = tmp_path / "store" / "score" / name
            folder.mkdir(parents=True)
            better, values = metrics[name]
            score = Score(
                value=0.0,
                n_real=5,
                n_fake=5,
                per_image=None if values is None else np.array(values, float),
                ids=() if values is None else tuple(pair.id for pair in pairs),
            )
            save_scores(folder, [Scored(Measure(name, better), score)], {})
        stage = Keep(
            label="", of=Ref(DATA, "set"), scores=tuple(Ref("score", name) for name in rule.metrics), rule=rule
        )
        workspace = Workspace(out, tmp_path / "work")
        ctx = Context(seed=0, workdir=workspace.work)
        job = Job(store=Store(tmp_path / "store"), splits={"set": pairs}, workspace=workspace, ctx=ctx)
        monkeypatch.setattr(Job, "folder", lambda _, ref: tmp_path / "store" / ref.action / ref.key)
        perform(stage, job)
        kept = read_index(out, {})
        for one in kept:
            (own,) = [pair for pair in pairs if pair.id == one.id]
            assert (load_rgb(one.image) == load_rgb(own.image)).all()
            assert (one.prompt, one.group) == (own.prompt, own.group)
        return [one.id for one in kept]

    return run


def test_values_at_a_bound_stay(keep):
    assert keep("alignment>=0.5", alignment=("higher", [0.5, 0.49, 0.9, 0.1, 1])) == ["s000", "s002", "s004"]


def test_copies_go(keep):
    assert keep("not-copied", copying=("lower", [0, 1, 0, 1, 1])) == ["s000", "s002"]


@pytest.mark.parametrize(("better", "ids"), [("higher", ["s002", "s004"]), ("lower", ["s001", "s003"])])
def test_the_best_are_those_of_the_measures_better_side(keep, better, ids):
    assert keep("top=40%:m", m=(better, [0.5, 0.4, 0.9, 0.1, 1])) == ids


def test_all_conditions_must_hold(keep):
    values = {"copying": ("lower", [0, 1, 0, 0, 0]), "m": ("higher", [5, 4, 3, 2, 1])}
    assert keep("not-copied,top=40%:m", **values) == ["s000"]


def test_a_rule_that_keeps_nothing_is_told(keep):
    with pytest.raises(BenchError, match="of 5 pairs none is m >= 2; loosen"):
        keep("m>=2", m=("higher", [1, 1, 1, 1, 1]))


def test_a_metric_without_values_of_images_is_told(keep):
    with pytest.raises(BenchError, match="m has a value of 0 of 5 images; name another metric"):
        keep("m>=2", m=("higher", None))


def test_the_best_by_a_measure_that_ranks_nothing_are_none(keep):
    with pytest.raises(BenchError, match="m says not which value is better"):
        keep("top=40%:m", m=("", [1, 2, 3, 4, 5]))
