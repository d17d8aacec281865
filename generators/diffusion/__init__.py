"""What the diffusion generators share: base model, hint encoders, training loop, sampler."""
