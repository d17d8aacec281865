"""Benchmark and evaluation suite for mask-conditioned medical image generators."""

__version__ = "0.1.0"
