"""The newest whole checkpoint is gone on from; a damaged one is told, never loaded."""

import errno

import pytest

pytest.importorskip("torch")

import torch

from bench.contracts import Context, ProcessGroup
from bench.files import checkpoints
from bench.files.checkpoints import load_checkpoint, save_checkpoint
from tests.conftest import Said, refused


@pytest.fixture
def ctx(tmp_path):
    return Context(seed=0, workdir=tmp_path, progress=Said())


def state_of(done):
    return {"weights": {"w": torch.full((3,), float(done))}, "done": done, "history": [{"loss": 0.5}]}


def flip(path, at=0.5):
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


def test_the_newest_comes_back_and_two_are_kept(ctx):
    for done in (9, 10, 100):
        save_checkpoint(ctx, done, state_of(done))
    state = load_checkpoint(ctx)
    assert torch.equal(state["weights"]["w"], torch.full((3,), 100.0))
    assert (state["done"], state["history"]) == (100, [{"loss": 0.5}])
    assert sorted(path.name[:20] for path in ctx.workdir.iterdir()) == ["checkpoint-00000010-", "checkpoint-00000100-"]
    assert ctx.progress.lines == []


def test_without_one_a_training_begins(ctx):
    assert load_checkpoint(ctx) == {}
    assert ctx.progress.lines == []


@pytest.mark.parametrize("at", [0, 0.3, 0.6, 0.9, 0.9999])
def test_a_damaged_one_is_skipped_for_the_one_before(ctx, at):
    for done in (1, 2):
        save_checkpoint(ctx, done, state_of(done))
    (newest, last) = checkpoints.checkpoints(ctx.workdir)
    flip(newest, at)
    assert load_checkpoint(ctx)["done"] == 1
    (line,) = ctx.progress.lines
    assert line.startswith(f"{newest}: checkpoint damaged")
    assert list(ctx.workdir.iterdir()) == [last]


@pytest.mark.parametrize("damage", [flip, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 9)])
def test_without_a_whole_one_the_training_begins_anew(ctx, damage):
    for done in (1, 2):
        save_checkpoint(ctx, done, state_of(done))
    for path in checkpoints.checkpoints(ctx.workdir):
        damage(path)
    assert load_checkpoint(ctx) == {}
    assert [line.rpartition("; ")[2] for line in ctx.progress.lines] == ["training begins anew"] * 2
    assert list(ctx.workdir.iterdir()) == []


@pytest.mark.parametrize(
    "problem",
    [RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598"),
     OSError(errno.ENOSPC, "No space left on device")],
)  # fmt: skip
def test_a_full_disk_is_one_line_and_the_last_good_one_stays(ctx, monkeypatch, problem):
    save_checkpoint(ctx, 1, state_of(1))

    def full(_, path):
        path.write_bytes(b"half")
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        refused(lambda: save_checkpoint(ctx, 2, state_of(2)), ctx.workdir, "could not be written", "--results")
    assert len(list(ctx.workdir.iterdir())) == 1
    assert load_checkpoint(ctx)["done"] == 1


def test_nothing_in_a_checkpoint_is_executed(ctx):
    """A file that somebody has laid there, under a name that fits its bytes."""
    save_checkpoint(ctx, 1, {"path": ctx.workdir})
    with pytest.raises(Exception, match="Weights only load failed"):
        load_checkpoint(ctx)


class Second(ProcessGroup):
    """Another process of two, to whom the first has told its checkpoint."""

    rank, size = 1, 2

    def __init__(self, told):
        self.told = told

    def all_reduce(self, tensors):
        for tensor in tensors:
            tensor += self.told


def test_every_process_of_a_team_goes_on_from_the_firsts(ctx, tmp_path):
    """And says nothing, and removes nothing; where it reads another one, training stops."""
    for done in (1, 2):
        save_checkpoint(ctx, done, state_of(done))
    flip(checkpoints.checkpoints(tmp_path)[0])
    second = Context(seed=0, workdir=tmp_path, processes=Second(1))
    assert load_checkpoint(second)["done"] == 1
    assert len(list(tmp_path.iterdir())) == 2
    refused(
        lambda: load_checkpoint(Context(seed=0, workdir=tmp_path, processes=Second(2))),
        tmp_path,
        "process 1",
        "start again",
    )
