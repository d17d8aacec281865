"""Opens a dataset for a run: builds a generated one, hashes every pair, checks bytes that are new."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contracts import Context, Dataset
from bench.data.pair_check import CHECKS, check_pairs
from bench.data.relabel import relabelled
from bench.data.splits import Splits, tabulate
from bench.engine.device import check_device
from bench.engine.provenance import describe
from bench.errors import BenchError
from bench.identity import derive_seed, key
from bench.masks import Label
from bench.plugins.params import key_params
from bench.plugins.resolver import Resolver
from bench.progress.display import Display
from bench.store.artefacts import Store


def used_dataset(resolver: Resolver, name: str, data: Path | None) -> str:
    """`name` itself, or, where no folder is given and the profile allows it, the dataset that stands in for it."""
    cls = _load(resolver, name)
    if cls.generated and data is not None:
        raise BenchError(f"--data {data}: dataset {name} makes its own images; leave --data out")
    return cls.stand_in if cls.stand_in and data is None and resolver.profile.run.stand_in else name


@dataclass(frozen=True, kw_only=True)
class Preparer:
    """`asked` is the dataset of the command line, `name` the one that is used, `data` the user's folder.

    `store` holds generated files and the marks of checked bytes. `labels`: what is lesion in masks of labels; `strict`:
    images that stand twice are refused. `device`: of the run, asked for before the first image is made or opened.
    """

    resolver: Resolver
    asked: str
    name: str
    data: Path | None
    store: Store
    display: Display
    labels: tuple[Label, ...] = ()
    strict: bool = False
    device: str = "auto"

    def missing(self) -> tuple[str, ...]:
        """What is wrong with the data as far as names tell: a line that says what to fetch, or what to mend."""
        cls = _load(self.resolver, self.name)
        if cls.generated:
            return ()
        if self.data is None:
            fetch = f"{cls.origin}; unpack them and give the folder that holds them with" if cls.origin else "needs"
            return (f"dataset {self.asked}{':' if cls.origin else ''} {fetch} --data DIR",)
        if not self.data.is_dir():
            return (f"--data {self.data}: no such folder; name the one that holds the images and masks",)
        try:
            self.resolver.dataset(self.name, self.data).samples("train")
        except BenchError as error:
            return (str(error),)
        return ()

    def open(self, check: bool = True) -> Splits:
        """Raises BenchError for broken pairs (only where `check` opens them) or without training or test pairs."""
        if _load(self.resolver, self.name).generated:
            dataset = self._built()
        else:
            assert self.data is not None
            dataset = self.resolver.dataset(self.name, self.data)
        table = tabulate(self.asked, self.name, dataset)
        if self.strict and table.repeats:
            raise BenchError(f"--strict: {'; '.join(table.repeats)}; remove the repeated images, or leave --strict out")
        if check:
            self._check(table, bool(getattr(dataset.params, "allow_empty_masks", False)))
        say = self.display.tell
        pairs = {split: relabelled(samples, self.labels, self.store, say) for split, samples in table.splits.items()}
        return table.with_splits(pairs)

    def _built(self) -> Dataset:
        """A generated dataset in the store, made first where it is not there."""
        params = self.resolver.params("dataset", self.name)
        version = _load(self.resolver, self.name).version
        identity = {"name": self.name, "version": version, "params": key_params(params)}
        # The run's seed plays no part: the same scenes serve every run, so that runs can be compared.
        seed = derive_seed(0, 0, "build", self.name)
        artefact = key({"stage": "build", "plugin": identity, "seed": seed})
        dataset = self.resolver.dataset(self.name, self.store.path("build", artefact))
        if not self.store.has("build", artefact):
            self._make(dataset, identity, seed, artefact)
        self.store.verify("build", artefact)
        return dataset

    def _make(self, dataset: Dataset, identity: dict[str, Any], seed: int, artefact: str) -> None:
        check_device(self.device)
        source = self.resolver.registry.source_hash("dataset", self.name)

        def waits(text: str) -> None:
            self.display.tell(f"{self.name}: {text}")

        with self.store.claim("build", artefact, waits, source) as workspace:
            if not self.store.has("build", artefact):
                started = time.monotonic()
                ctx = Context(seed=seed, workdir=workspace.work, progress=self.display.progress(f"make {self.name}"))
                dataset.build(workspace.out, ctx)
                record = {"identity": identity, "source": source}
                record |= describe(dataset.requires, "cpu", time.monotonic() - started)
                self.store.commit("build", artefact, workspace, record)

    def _check(self, table: Splits, allow_empty: bool) -> None:
        rule = {"checks": CHECKS, "empty": allow_empty, "labels": list(self.labels)}
        for split, samples in table.splits.items():
            mark = key({"stage": "check", **rule, "pairs": table.fingerprints[split]})
            if self.store.has("check", mark):
                continue
            check_device(self.device)
            check_pairs(samples, allow_empty, self.labels, table.name)
            with self.store.claim("check", mark, self.display.tell) as workspace:
                if not self.store.has("check", mark):
                    record = {"dataset": table.name, "split": split, "pairs": len(samples)}
                    self.store.commit("check", mark, workspace, record)


def _load(resolver: Resolver, name: str) -> type[Dataset]:
    cls = resolver.registry.load("dataset", name)
    assert issubclass(cls, Dataset)
    return cls
