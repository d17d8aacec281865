"""The authors' noise schedules and samplers, as diffusers has them."""

from __future__ import annotations

from diffusers import DDIMScheduler, DDPMScheduler


def polyp_ddpm_scheduler(*, ancestral: bool = True) -> DDPMScheduler | DDIMScheduler:
    """250 steps of the cosine schedule; the estimate of the image is clipped to [-1, 1]."""
    shared = {"num_train_timesteps": 250, "beta_schedule": "squaredcos_cap_v2", "clip_sample": True}
    return DDPMScheduler(**shared, variance_type="fixed_small") if ancestral else DDIMScheduler(**shared)


def seg_guided_scheduler(*, ancestral: bool) -> DDPMScheduler | DDIMScheduler:
    """1,000 steps of the linear schedule, both with their defaults."""
    return DDPMScheduler(num_train_timesteps=1000) if ancestral else DDIMScheduler(num_train_timesteps=1000)


def arsdm_scheduler() -> DDIMScheduler:
    """1,000 steps, linear in the square root; the estimate of the image is not clipped, t = 1 the last step."""
    return DDIMScheduler(
        beta_start=0.0015,
        beta_end=0.0205,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
        steps_offset=1,
        set_alpha_to_one=False,
        clip_sample=False,
    )
