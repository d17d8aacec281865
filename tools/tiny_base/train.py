"""Trains the bundled tiny base: `python -m tools.tiny_base.train --out DIR [--part vae|unet|all]`.

Everything is written to DIR: checkpoints, loss curves (CSV, PNG) and, at the end, `DIR/model` in diffusers' format.
The same command goes on where a killed one stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from diffusers import AutoencoderKL

from tools.tiny_base.plot import plot_curves
from tools.tiny_base.pool import kept_pool
from tools.tiny_base.train_vae import train_vae


def main() -> None:
    """Train the part that the command line names, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", choices=("vae", "unet", "all"), default="all")
    parser.add_argument("--pool", type=int, default=12_000, help="training images")
    parser.add_argument("--unet-steps", type=int, default=4500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    pixels, captions = kept_pool(args.pool, args.seed, args.out)
    if args.part in ("vae", "all"):
        vae = train_vae(pixels, args.out, batch=8, seed=args.seed)
        vae.save_pretrained(args.out / "vae")
    if args.part in ("unet", "all"):
        from tools.tiny_base.train_unet import train_unet

        vae = AutoencoderKL.from_pretrained(args.out / "vae")
        train_unet(vae, pixels, captions, args.out, steps=args.unet_steps, batch=32, seed=args.seed)
        plot_curves(args.out)


if __name__ == "__main__":
    main()
