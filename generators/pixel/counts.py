"""Parameters of the networks that the profiles ask for: counting them anew needs torch and diffusers, which take long.

`tests/unit/pixel/test_details.py` counts each of them.
"""

from __future__ import annotations

KNOWN: dict[tuple[object, ...], str] = {
    ("generators.polyp_ddpm", 256, (64, 64, 128, 128, 256, 256)): "28.45 M",
    ("generators.polyp_ddpm", 64, (32, 32, 64, 64, 128, 128)): "6.88 M",
    ("generators.arsdm", 384, (256, 256, 512, 512, 1024, 1024), 128, 64): "652.02 M",
    ("generators.arsdm", 64, (32, 32, 64, 64, 128, 128), 16, 16): "10.24 M",
    ("generators.seg_guided", 256, (128, 128, 256, 256, 512, 512)): "113.67 M",
    ("generators.seg_guided", 64, (32, 32, 64, 64, 128, 128)): "7.13 M",
}
"""By `PixelGenerator.known_as`."""
