"""Parameters of the generators' networks where they are known without building them.

Counting needs torch, diffusers and transformers, whose import alone takes longer than all else that `show` does. So the
counts on the bundled base model, and on Stable Diffusion 1.5's shape, stand here.
`tests/unit/diffusion/test_details.py` counts each of them anew.
"""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """Networks and their millions of parameters, as text."""

    trained: str
    frozen: str


SD15 = "VAE 83.65 M, text encoder 123.06 M, of the U-Net 348.71 M"
SD15_LOCKED = "VAE 83.65 M, text encoder 123.06 M, of the U-Net 859.52 M"
TINY = "VAE 1.71 M, text encoder 0.11 M, of the U-Net 1.16 M"
TINY_LOCKED = "VAE 1.71 M, text encoder 0.11 M, of the U-Net 2.73 M"
"""What is frozen where the decoder is trained, and where the whole U-Net is locked."""

KNOWN: dict[tuple[object, ...], Counts] = {
    ("generators.adc", "sd15"): Counts(
        "controlnet 363.46 M, decoder 510.81 M, teacher controlnet 363.46 M, teacher decoder 510.81 M", SD15
    ),
    ("generators.adc", "tiny"): Counts(
        "controlnet 1.24 M, decoder 1.57 M, teacher controlnet 1.24 M, teacher decoder 1.57 M", TINY
    ),
    ("generators.controlnet", "sd15", False): Counts("controlnet 361.28 M, decoder 510.81 M", SD15),
    ("generators.controlnet", "sd15", True): Counts("controlnet 361.28 M", SD15_LOCKED),
    ("generators.controlnet", "tiny", False): Counts("controlnet 1.20 M, decoder 1.57 M", TINY),
    ("generators.controlnet", "tiny", True): Counts("controlnet 1.20 M", TINY_LOCKED),
    ("generators.controlnet_mi", "sd15"): Counts("controlnet 361.28 M, decoder 510.81 M", SD15),
    ("generators.controlnet_mi", "tiny"): Counts("controlnet 1.20 M, decoder 1.57 M", TINY),
    ("generators.controlpolypnet", "sd15"): Counts("controlnet 361.28 M, decoder 510.81 M", SD15),
    ("generators.controlpolypnet", "tiny"): Counts("controlnet 1.20 M, decoder 1.57 M", TINY),
    ("generators.siamese", "sd15", False): Counts("controlnet 361.28 M, decoder 510.81 M", SD15),
    ("generators.siamese", "sd15", True): Counts("controlnet 363.46 M, decoder 510.81 M", SD15),
    ("generators.siamese", "tiny", False): Counts("controlnet 1.20 M, decoder 1.57 M", TINY),
    ("generators.siamese", "tiny", True): Counts("controlnet 1.24 M, decoder 1.57 M", TINY),
    ("generators.t2i_adapter", "sd15"): Counts("adapter 77.37 M", SD15_LOCKED),
    ("generators.t2i_adapter", "tiny"): Counts("adapter 0.31 M", TINY_LOCKED),
}
"""By `DiffusionGenerator.known_as`."""
