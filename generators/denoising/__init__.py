"""What generators that remove noise share, in latents or in pixels: training loop, curve, pictures, noise, batches."""
