"""Feature extractors: one file a feature space."""
