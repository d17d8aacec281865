"""Metrics: one file each, features or pairs in, scores out; `extractors/` holds the feature spaces."""
