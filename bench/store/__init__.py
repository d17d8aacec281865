"""Every format on disk that outlives a command: artefacts and their records, indexes, scores, run manifests."""
