"""The runner reuses, runs, reports and goes on; a full or locked disk is the user's to mend, a bug is ours."""

import errno

import pytest

from bench.contracts import Generator, NoParams, Segmenter
from bench.engine.device import check_device, refuse_unknown_device
from bench.engine.job import Job
from bench.engine.runner import Resources, Runner
from bench.errors import BenchError
from bench.plan.actions import Fit, Masks, Predict
from bench.plan.stage import DATA, Ref
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.sections import RandomMasks
from bench.progress.display import Display
from bench.store.artefacts import Store

PROBLEMS = {
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "wrapped": RuntimeError("PytorchStreamWriter failed: No space left on device"),
    "read-only": OSError(errno.EROFS, "Read-only file system", "/results/store"),
    "locked": PermissionError(errno.EACCES, "Permission denied", "/results/store"),
}


class Worker(Generator):
    """Does what it was made with: raise, or write a file."""

    version = 3

    def __init__(self, problem=None):
        super().__init__(NoParams())
        self.problem, self.calls = problem, 0

    def fit(self, train, model_dir, ctx):
        self.calls += 1
        (model_dir / f"try{self.calls}.txt").write_text("model")
        if self.problem:
            raise self.problem


class Painter(Segmenter):
    """Writes one map and fails."""

    version = 1

    def predict(self, samples, model_dir, out, ctx):
        (out / "one.png").write_text("map")
        raise BenchError("no")


DATA_SET = Ref(DATA, "t")


def fit(worker, name="g", source="code", train=DATA_SET):
    identity = {"name": name, "version": worker.version, "params": {}, "files": ""}
    generator = ResolvedPlugin(kind="generator", name=name, plugin=worker, identity=identity, source=source)
    return Fit(label=f"train {name}", seed=7, generator=generator, train=train)


def runner_of(folder, splits):
    display = Display()
    display.open_log(folder / "logs" / "run.log")
    return Runner(store=Store(folder / "store"), splits=splits, resources=Resources(device="cpu"), display=display)


@pytest.fixture
def run(tmp_path):
    return runner_of(tmp_path, {"t": ()})


def test_a_finished_stage_is_not_run_again(run):
    worker = Worker()
    assert run.run([fit(worker)]) == []
    assert run.run([fit(worker)]) == []
    assert worker.calls == 1


def test_the_record_says_what_made_it(run):
    stage = fit(Worker())
    run.run([stage])
    record = run.store.record("fit", stage.key)
    assert record["identity"] == stage.identity
    assert record["identity"]["plugins"][0]["version"] == 3
    assert record["source"] == "code"
    assert record["label"] == "train g"
    assert record["device"].startswith("cpu (")
    assert {"bench", "python"} <= set(record["packages"])
    assert record["wall_seconds"] >= 0
    assert record["peak_memory_mib"] > 1
    assert list(record["files"]) == ["try1.txt"]


def test_the_code_alone_changes_no_key():
    """Only the version says that outputs change; the hash of the code is kept beside them."""
    assert fit(Worker(), source="one").key == fit(Worker(), source="two").key


def test_a_bug_is_ours_and_its_traceback_goes_to_the_log(run, capsys):
    stage = fit(Worker(ZeroDivisionError("oh\nmore")))
    (failure,) = run.run([stage])
    assert failure.ours
    assert failure.message == f"ZeroDivisionError: oh (traceback in {run.display.log})"
    assert "raise self.problem" in run.display.log.read_text()
    assert capsys.readouterr().err == f"train g: failed: {failure.message}\n"
    assert not run.store.has("fit", stage.key)


class Oddity(BaseException):
    """No Exception, as some frameworks signal through."""


@pytest.mark.parametrize(
    "problem", [SystemExit(0), SystemExit(), BrokenPipeError(errno.EPIPE, "Broken pipe"), GeneratorExit(), Oddity()]
)
def test_no_error_of_a_stage_ends_the_run(run, problem):
    (failure,) = run.run([fit(Worker(problem)), good := fit(Worker(), "good")])
    assert failure.ours
    assert failure.message.startswith(type(problem).__name__)
    assert run.store.has("fit", good.key)


def test_what_needs_a_failed_stage_is_blocked_and_the_rest_goes_on(run):
    bad, good = fit(Worker(BenchError("mend me")), "bad"), fit(Worker(), "good")
    dependent = fit(Worker(), "later", train=bad.ref)
    failures = run.run([bad, dependent, good])
    assert [(one.stage.label, one.message, one.ours, one.blocked) for one in failures] == [
        ("train bad", "mend me", False, False),
        ("train later", "needs: train bad", False, True),
    ]
    assert run.store.has("fit", good.key)
    assert "Traceback" not in run.display.log.read_text()


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_disk_that_cannot_be_written_is_one_line_with_a_remedy(run, name):
    done, stage = fit(Worker(), "before"), fit(Worker(PROBLEMS[name]))
    (failure,) = run.run([done, stage])
    assert not failure.ours
    assert "--results" in failure.message
    assert "\n" not in failure.message
    assert "Traceback" not in run.display.log.read_text()
    assert run.store.has("fit", done.key)
    assert not run.store.has("fit", stage.key)


def test_a_disk_that_fills_up_while_the_record_is_written(run, monkeypatch):
    stage = fit(Worker())

    def full(*_):
        raise PROBLEMS["full"]

    with monkeypatch.context() as patch:
        patch.setattr("os.rename", full)
        (failure,) = run.run([stage])
    assert "No space left on device" in failure.message
    assert not run.store.has("fit", stage.key)
    assert run.run([stage]) == []


def test_files_of_other_code_never_reach_an_artefact(run):
    """A plugin of the suite is mended without a new version: what its broken try wrote is thrown away."""
    broken = Worker(ZeroDivisionError())
    run.run([fit(broken, source="old code")])
    mended = Worker()
    mended.calls = 1
    stage = fit(mended, source="new code")
    assert run.run([stage]) == []
    assert list(run.store.record("fit", stage.key)["files"]) == ["try2.txt"]


def test_a_failed_stage_leaves_only_what_it_resumes_from(run):
    """What a training wrote stays; half a set of maps, which the next try writes again, does not. No lock stays."""
    training, data = fit(Worker(BenchError("no"))), DATA_SET
    painter = ResolvedPlugin(kind="segmenter", name="s", plugin=Painter(NoParams()), identity={"name": "s"})
    prediction = Predict(label="predict", segmenter=painter, model=data, of=data)
    for stage, kept in ((training, [f".{training.key}.partial"]), (prediction, [])):
        (failure,) = run.run([stage])
        assert failure.message == "no"
        assert [path.name for path in (run.store.root / stage.action).iterdir()] == kept


def test_the_same_code_goes_on_where_it_stopped(run):
    worker = Worker(BenchError("no"))
    run.run([fit(worker)])
    worker.problem = None
    stage = fit(worker)
    assert run.run([stage]) == []
    assert list(run.store.record("fit", stage.key)["files"]) == ["try1.txt", "try2.txt"]


def test_devices():
    check_device("auto")
    check_device("cpu")
    with pytest.raises(BenchError, match="--device gpu: .*; use one of this machine's devices, or auto") as caught:
        check_device("gpu")
    assert "\n" not in str(caught.value)


def test_every_kind_of_device_that_torch_knows_is_known_without_it():
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as caught:
        torch.device("unheard")
    listed = str(caught.value).partition("one of ")[2].partition(" device type")[0]
    assert len(listed.split(", ")) > 5
    for kind in listed.split(", "):
        refuse_unknown_device(kind)
        refuse_unknown_device(f"{kind}:1")


def test_random_masks_keep_the_images_of_the_pairs_they_were_made_from(pairs, tmp_path):
    """A test image of the same name never takes the place of a training image."""
    train, test = pairs(3, name="train"), pairs(3, name="test", seed=1)
    run = runner_of(tmp_path, {"t": train, "a": test})
    masks = Masks(label="random masks", seed=5, train=Ref(DATA, "t"), ranges=RandomMasks())
    assert run.run([masks]) == []
    found = Job(store=run.store, splits=run.splits, workspace=None, ctx=None).pairs(masks.ref)
    assert [sample.image for sample in found] == [sample.image for sample in train]
