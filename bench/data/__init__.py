"""Image–mask pairs on disk: layouts, splits, fingerprints, groups, lesion sizes, random masks."""
