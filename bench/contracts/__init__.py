"""What the engine and the plugins promise each other.

A plugin is one file (or a folder with the file `plugin.py`) in a room (`bench/datasets`, `generators`, `metrics`,
`metrics/extractors`, `segmenters`) that
defines exactly one subclass of its room's contract. Its name is the file's name with `_` written as `-`. Heavy
imports (torch and friends) live inside methods, so that a plugin can be listed where they are not installed.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.contracts.context import Bar, Context, ProcessGroup, Progress, Quiet
from bench.contracts.dataset import NO_MASK, TRAIN, UNUSED, Dataset, Sample, Split
from bench.contracts.extractor import Extractor, Look, Network
from bench.contracts.generator import GENERATOR, SAMPLE, SEGMENTER, SOURCES, Generator, unfinished
from bench.contracts.metric import Floor, ImageSet, LeftOut, Match, Measure, Metric, Score, Space
from bench.contracts.plugin import Cost, NoParams, Plugin, param
from bench.contracts.segmenter import TRAINING, Segmenter
from bench.contracts.truth import Must, Truth

CONTRACTS: Mapping[str, type[Plugin]] = {
    "dataset": Dataset,
    "generator": Generator,
    "metric": Metric,
    "extractor": Extractor,
    "segmenter": Segmenter,
}

__all__ = [
    "CONTRACTS", "GENERATOR", "NO_MASK", "SAMPLE", "SEGMENTER", "SOURCES", "TRAIN", "TRAINING", "UNUSED", "Bar",
    "Context", "Cost", "Dataset", "Extractor", "Floor", "Generator", "ImageSet", "LeftOut", "Look", "Match", "Measure",
    "Metric", "Must", "Network", "NoParams", "Plugin", "Progress", "Quiet", "Sample", "Score", "Segmenter", "Space",
    "Split", "ProcessGroup", "Truth", "param", "unfinished",
]  # fmt: skip
