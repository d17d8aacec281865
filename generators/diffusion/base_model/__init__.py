"""The frozen pretrained model: where it lies, loading it, and its way from pixels and words to latents and back."""
