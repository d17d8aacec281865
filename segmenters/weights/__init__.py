"""Weights from files: released checkpoints of whole networks, and published backbones."""
