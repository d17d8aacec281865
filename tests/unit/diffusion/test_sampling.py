"""Sampling: diffusers' own numbers; noise by seed and id; batch, order and interruption change nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionControlNetPipeline

from bench.contracts import Context, Quiet
from bench.images import load_rgb
from generators.denoising.noise import initial_noise
from generators.diffusion.base_model.coding import encode_prompts
from generators.diffusion.base_model.model import SCHEDULER, load_base
from generators.diffusion.conditioning.control import Decoder, build_controlnet
from generators.diffusion.conditioning.method import ControlNetMethod
from generators.diffusion.conditioning.networks import Networks
from generators.diffusion.sampling.sample_set import sample_set
from generators.diffusion.sampling.sampler import Conditions, Sampler, SamplingJob, sample_latents
from tests.conftest import make_pairs

SIZE = 32
SHAPE = (4, SIZE // 8, SIZE // 8)
PROMPTS = ["A photo of a polyp.", "A photo of a lesion.", ""]


@pytest.fixture(scope="module")
def base(narrow_base):
    return load_base(narrow_base)


@pytest.fixture(scope="module", params=[False, True], ids=["own-hint", "dense-hint"])
def controlnet(base, request):
    return make_controlnet(base, request.param)


def make_controlnet(base, dense_hint):
    """One whose residuals are far from zero, as after training."""
    torch.manual_seed(0)
    controlnet = build_controlnet(base.unet, dense_hint=dense_hint, halvings=base.halvings).eval()
    for parameter in controlnet.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return controlnet


def method_of(base, controlnet):
    return ControlNetMethod(Networks(base.unet, controlnet, Decoder(base.unet), base.scheduler.alphas_cumprod))


def make_job(base, method, sampler, ctx):
    return SamplingJob(base=base, method=method, sampler=sampler, size=SIZE, ctx=ctx)


def masks(count):
    draw = torch.Generator().manual_seed(1)
    return (torch.rand(count, 1, SIZE, SIZE, generator=draw) > 0.5).float().repeat(1, 3, 1, 1)


def ours(base, controlnet, sampler, noise, hint, prompts):
    context, empty = encode_prompts(base, prompts), encode_prompts(base, [""])
    job = make_job(base, method_of(base, controlnet), sampler, Context(seed=0, workdir=Path()))
    ticks = []
    conditions = Conditions(mask=hint, image=None, context=context, empty=empty)
    latents = sample_latents(job, noise, conditions, lambda: ticks.append(1))
    assert len(ticks) == sampler.steps
    return latents


def theirs(base, controlnet, sampler, noise, hint, prompts):
    pipeline = StableDiffusionControlNetPipeline(
        base.vae, base.text_encoder, base.tokenizer, base.unet, controlnet, DDIMScheduler(**SCHEDULER),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(
        prompts, hint, SIZE, SIZE, sampler.steps, guidance_scale=sampler.guidance, eta=0.0, latents=noise.clone(),
        output_type="latent",
    ).images  # fmt: skip


@pytest.mark.parametrize(("steps", "guidance"), [(2, 9.0), (5, 3.0), pytest.param(50, 9.0, marks=pytest.mark.slow)])
def test_latents_are_those_of_diffusers_pipeline(base, controlnet, steps, guidance):
    """Same weights, scheduler and starting noise. Its unconditional half keeps the control too, as it is not guessing.

    With ControlNet's own hint block everything on the other side is diffusers'; Dense Hint Input is only put in.
    """
    sampler, noise, hint = Sampler(steps, guidance), initial_noise(["a", "b", "c"], 0, SHAPE), masks(3)
    got = ours(base, controlnet, sampler, noise, hint, PROMPTS)
    want = theirs(base, controlnet, sampler, noise, hint, PROMPTS)
    assert got.shape == want.shape == noise.shape
    assert (got - want).norm() <= 1e-4 * want.norm()


def test_the_mask_stays_in_the_unconditional_half(base):
    """With guidance 0 only that half speaks: the mask still matters and the prompt does not."""
    controlnet, noise = make_controlnet(base, True), initial_noise(["a"], 0, SHAPE)
    one, other = masks(2).split(1)
    run = [
        ours(base, controlnet, Sampler(2, 0.0), noise, hint, [prompt])
        for hint, prompt in (
            (one, "A photo of a polyp."),
            (one, "A photo of a lesion."),
            (other, "A photo of a polyp."),
        )
    ]
    assert torch.equal(run[0], run[1])
    assert (run[0] - run[2]).norm() > 1e-2 * run[0].norm()


def test_sampling_leaves_no_gradient_and_no_change_behind(base):
    controlnet = make_controlnet(base, True)
    before = {name: value.clone() for name, value in controlnet.state_dict().items()}
    latents = ours(base, controlnet, Sampler(1, 3.0), initial_noise(["a"], 0, SHAPE), masks(1), [""])
    assert not latents.requires_grad
    assert all(torch.equal(before[name], value) for name, value in controlnet.state_dict().items())


def test_bf16_samples_nearly_the_same_in_fp32_latents(base):
    controlnet, noise, hint = make_controlnet(base, True), initial_noise(["a", "b"], 0, SHAPE), masks(2)
    full, half = (ours(base, controlnet, Sampler(5, 3.0, p), noise, hint, PROMPTS[:2]) for p in ("fp32", "bf16"))
    assert half.dtype == torch.float32
    assert 1e-5 < (full - half).norm() / full.norm() < 0.1


def test_noise_depends_on_seed_and_id_only():
    one = initial_noise(["a", "b", "c"], 0, SHAPE)
    torch.manual_seed(5)
    assert torch.equal(one.flip(0), initial_noise(["c", "b", "a"], 0, SHAPE))
    assert torch.equal(one[1:2], initial_noise(["b"], 0, SHAPE))
    assert not torch.equal(one, initial_noise(["a", "b", "c"], 1, SHAPE))
    assert not torch.equal(one[0], one[1])


def test_noise_is_standard_normal_and_independent():
    noise = initial_noise([f"image {i}" for i in range(1000)], 0, (6, 8, 8)).flatten(1)
    assert noise.mean().abs() < 0.01
    assert noise.std() == pytest.approx(1, abs=0.01)
    similar = (noise @ noise.T / noise.shape[1]).fill_diagonal_(0)
    assert similar.abs().max() < 0.3


def test_batch_size_and_order_change_no_latent(base, controlnet):
    ids, hint, sampler = ["a", "b", "c", "d"], masks(4), Sampler(4, 9.0)
    prompts = [*PROMPTS, "A photo of a polyp."]
    whole = ours(base, controlnet, sampler, initial_noise(ids, 0, SHAPE), hint, prompts)
    for order in ([2], [3, 1], [3, 2, 1, 0]):
        noise = initial_noise([ids[i] for i in order], 0, SHAPE)
        part = ours(base, controlnet, sampler, noise, hint[order], [prompts[i] for i in order])
        assert (part - whole[order]).norm() <= 1e-4 * whole[order].norm()


# The set on disk.


class Killer(Quiet):
    """Ends the work as Ctrl-C does, at the given denoising step."""

    def __init__(self, at=None):
        self.at, self.seen, self.done, self.total = at, 0, None, None

    def bar(self, total, unit, done=0):
        self.total, self.done = total, done
        return self

    def update(self, steps=1, **numbers):
        self.seen += steps
        if self.at is not None and self.seen >= self.at:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def conditions(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("conditions"), 5, SIZE)


@pytest.fixture(scope="module")
def write(base, conditions):
    """`write(out)` samples the five conditions in batches of two, two steps each."""
    method = method_of(base, make_controlnet(base, True))

    def run(out, order=slice(None), batch=2, seed=0, progress=None):
        part = conditions[order]
        prompts = [sample.prompt for sample in part]
        job = make_job(base, method, Sampler(2, 3.0), Context(seed=seed, workdir=out, progress=progress or Quiet()))
        sample_set(job, part, prompts, batch, out)
        return {path.name: path.read_bytes() for path in sorted((out / "images").iterdir())}

    return run


@pytest.fixture(scope="module")
def whole(write, tmp_path_factory):
    return write(tmp_path_factory.mktemp("whole"))


def test_one_image_for_every_condition(whole, conditions):
    assert list(whole) == [f"{sample.id}.png" for sample in conditions]
    assert len(set(whole.values())) == 5


@pytest.mark.parametrize("gone", [[0], [1, 4], [0, 1, 2, 3, 4]])
def test_what_is_deleted_comes_back_to_the_byte(write, whole, tmp_path, gone):
    write(tmp_path)
    for index in gone:
        (tmp_path / "images" / sorted(whole)[index]).unlink()
    progress = Killer()
    assert write(tmp_path, progress=progress) == whole
    assert progress.done + progress.seen == progress.total == 10


@pytest.mark.parametrize("at", [1, 5, *(pytest.param(at, marks=pytest.mark.slow) for at in (4, 9))])
def test_a_killed_set_goes_on_to_the_same_bytes(write, whole, tmp_path, at):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, progress=Killer(at))
    assert write(tmp_path) == whole


def test_what_is_there_is_neither_written_nor_sampled_again(write, whole, tmp_path):
    """Not even in a batch of which another image is missing."""
    write(tmp_path)
    first, second = (tmp_path / "images" / name for name in sorted(whole)[:2])
    first.write_bytes(b"mine")
    second.unlink()
    progress = Killer()
    assert write(tmp_path, progress=progress) == whole | {first.name: b"mine"}
    assert progress.seen == 4


@pytest.mark.parametrize("options", [{"batch": 1}, {"batch": 5}, {"order": slice(None, None, -1)}])
def test_batch_size_and_order_change_no_image(write, whole, tmp_path, options):
    """At most one grey level, where a value lies on the edge of rounding."""
    assert write(tmp_path / "same") == whole
    other = write(tmp_path, **options)
    assert set(other) == set(whole)
    for name in other:
        images = [load_rgb(folder / "images" / name).astype(int) for folder in (tmp_path, tmp_path / "same")]
        assert np.abs(images[0] - images[1]).max() <= 1


def test_another_seed_makes_other_images(write, whole, tmp_path):
    other = write(tmp_path, seed=1)
    assert all(other[name] != whole[name] for name in whole)
