"""From masks to images: deterministic DDIM with guidance, and the set on disk."""
