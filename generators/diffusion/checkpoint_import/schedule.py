"""The noise schedule a latent-diffusion checkpoint carries along, compared with ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from bench.errors import BenchError
from generators.diffusion.base_model.model import SCHEDULER


def schedule_buffers() -> dict[str, torch.Tensor]:
    """Every buffer that latent diffusion registers for `SCHEDULER`, float64 (1000,), by its key."""
    first, last, count = (float(str(SCHEDULER[name])) for name in ("beta_start", "beta_end", "num_train_timesteps"))
    betas = torch.linspace(first**0.5, last**0.5, int(count), dtype=torch.float64) ** 2
    a = torch.cumprod(1 - betas, 0)
    before = torch.cat([torch.ones(1, dtype=torch.float64), a[:-1]])
    variance = betas * (1 - before) / (1 - a)
    return {
        "betas": betas,
        "alphas_cumprod": a,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": a.sqrt(),
        "sqrt_one_minus_alphas_cumprod": (1 - a).sqrt(),
        "log_one_minus_alphas_cumprod": (1 - a).log(),
        "sqrt_recip_alphas_cumprod": (1 / a).sqrt(),
        "sqrt_recipm1_alphas_cumprod": (1 / a - 1).sqrt(),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": variance.clamp(min=1e-20).log(),
        "posterior_mean_coef1": betas * before.sqrt() / (1 - a),
        "posterior_mean_coef2": (1 - before) * (1 - betas).sqrt() / (1 - a),
        "logvar": torch.zeros_like(betas),
    }


def check_schedule(file: Path, state: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """Keys of the schedule in `state`. Raises BenchError for the first whose values are not those of `SCHEDULER`."""
    expected = schedule_buffers()
    present = [key for key in expected if key in state]
    for key in present:
        value, want = state[key], expected[key]
        # As near as the type rounds in which the file keeps its numbers.
        eps = torch.finfo(value.dtype).eps if value.dtype.is_floating_point else 0.0
        tolerance = max(1e-5, 2 * eps), max(1e-7, 1e-4 * eps)
        if value.shape != want.shape or not torch.allclose(value.double(), want, *tolerance):
            raise BenchError(
                f"{file}: {key} is not that of our sampler (scaled linear betas {SCHEDULER['beta_start']} to "
                f"{SCHEDULER['beta_end']}, {SCHEDULER['num_train_timesteps']} steps); a model of another schedule "
                "cannot be sampled here"
            )
    return tuple(present)
