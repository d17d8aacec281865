"""A dataset as the engine sees it: its splits, their fingerprints and what a reader must know about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.contracts import TRAIN, UNUSED, Dataset, Split
from bench.data.fingerprint import Digests, fingerprint, repeated
from bench.data.group_split import share
from bench.data.layout import left_out
from bench.errors import BenchError
from bench.identity import key

MIN_TRAIN = 3
"""Below that no set metric has an interval: leaving one image out must leave a pair."""


@dataclass(frozen=True, kw_only=True)
class Splits:
    """`asked` is the dataset on the command line, `name` the one used (they differ for a stand-in).

    `repeats`: a line for each two splits, or one split, in which the same image stands twice.
    """

    asked: str
    name: str
    splits: Mapping[str, Split]
    fingerprints: Mapping[str, str]
    absent: tuple[str, ...]
    warnings: tuple[str, ...]
    repeats: tuple[str, ...] = ()

    @property
    def tests(self) -> tuple[str, ...]:
        """Names of the test splits that are there, `test/<name>`."""
        return tuple(name for name in self.splits if name.startswith("test/"))

    def reference(self, which: str) -> tuple[str, Split]:
        """Fingerprint and pairs of the real set that synthetic sets are compared with: `train`, or `test` as one set.

        Ids of test pairs bear their test set's name: equal stems of two sets are two images.
        """
        if which == TRAIN:
            return self.fingerprints[TRAIN], self.splits[TRAIN]
        parts = {name: self.fingerprints[name] for name in self.tests}
        return key({"tests": parts}), self.held_out()

    def held_out(self) -> Split:
        """All test pairs as one set."""
        return tuple(
            sample for name in self.tests for sample in named_after(name.removeprefix("test/"), self.splits[name])
        )

    @property
    def fingerprint(self) -> str:
        """Hash of all splits."""
        return key({"splits": dict(self.fingerprints)})

    def reduced(self, percent: int, seed: int) -> Splits:
        """The same with about `percent` of the training pairs, in whole groups, and the others, where there are any, in
        a split `unused`. BenchError where too few are left."""
        if percent == 100:
            return self
        train = self.share(percent, seed)
        if len(train) < MIN_TRAIN:
            raise BenchError(
                f"--fraction {percent}: leaves {len(train)} of {len(self.splits[TRAIN])} training pairs of dataset "
                f"{self.name}, and at least {MIN_TRAIN} are needed to compare sets; take a larger share"
            )
        unused = tuple(sample for sample in self.splits[TRAIN] if sample not in set(train))
        return self.with_splits({**self.splits, TRAIN: train} | ({UNUSED: unused} if unused else {}))

    def share(self, percent: int, seed: int) -> Split:
        """About `percent` of the training pairs, in whole groups; a larger share of the seed holds every smaller."""
        return share(self.splits[TRAIN], percent, seed)

    def with_train(self, pairs: Split) -> Splits:
        """The same dataset with these training pairs."""
        return self.with_splits({**self.splits, TRAIN: pairs})

    def with_splits(self, splits: Mapping[str, Split]) -> Splits:
        """The same dataset with other pairs in its splits."""
        changed = {name: pairs for name, pairs in splits.items() if pairs != self.splits.get(name)}
        found = {name: fingerprint(pairs) for name, pairs in changed.items()}
        return replace(self, splits=splits, fingerprints={**self.fingerprints, **found})


def named_after(test: str, samples: Split) -> Split:
    """The pairs of a test set under ids and groups that no other test set has."""
    return tuple(
        replace(sample, id=f"{test}/{sample.id}", group=f"{test}/{sample.group}" if sample.group else "")
        for sample in samples
    )


def tabulate(asked: str, name: str, dataset: Dataset) -> Splits:
    """List and hash every split. Raises BenchError when there is nothing to train on or to test on."""
    listed = {split: dataset.samples(split) for split in dataset.splits()}
    present = {split: samples for split, samples in listed.items() if samples}
    tests = [split for split in present if split.startswith("test/")]
    if TRAIN not in present or not tests:
        missing = "test" if TRAIN in present else "training"
        raise BenchError(f"dataset {name}: {dataset.root} has no {missing} pairs; add some, or name another --data DIR")
    if len(present[TRAIN]) < MIN_TRAIN:
        raise BenchError(
            f"dataset {name}: {dataset.root} has {len(present[TRAIN])} training pair(s); add more, at least "
            f"{MIN_TRAIN} are needed to compare sets"
        )
    digests, every = Digests(), tuple(sample for samples in present.values() for sample in samples)
    return Splits(
        asked=asked,
        name=name,
        splits=present,
        fingerprints={split: fingerprint(samples, digests) for split, samples in present.items()},
        # `val` is optional; every other split that a dataset declares is expected.
        absent=tuple(split for split, samples in listed.items() if not samples and split != "val"),
        warnings=(*_count_warnings(name, dataset, present), *dataset.notes(), *left_out(every)),
        repeats=tuple(f"{name} {line}" for line in repeated(present, digests)),
    )


def _count_warnings(name: str, dataset: Dataset, present: Mapping[str, Split]) -> tuple[str, ...]:
    return tuple(
        f"{name} {split}: {len(present[split])} pairs, published protocol has {count}; scores are not comparable"
        for split, count in dataset.expected.items()
        if split in present and len(present[split]) != count
    )
