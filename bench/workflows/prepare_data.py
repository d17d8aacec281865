"""Opens a dataset for a run: builds a generated one, hashes every pair, checks bytes that are new."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Context, Dataset
from bench.data.pair_check import CHECKS, check_pairs
from bench.data.relabel import relabelled
from bench.data.splits import Splits, tabulate
from bench.engine.provenance import describe
from bench.errors import BenchError
from bench.identity import derive_seed, key
from bench.masks import Label
from bench.plugins.overrides import resolve
from bench.plugins.params import key_params
from bench.plugins.resolver import Resolver
from bench.progress.bars import Terminal
from bench.store.artefacts import Store


@dataclass(frozen=True)
class Preparer:
    """`resolver` resolves the dataset's parameters, `store` holds generated files and the marks of checked bytes.

    `labels`: what is lesion in masks of labels; `strict`: images that stand twice are refused.
    """

    resolver: Resolver
    store: Store
    say: Callable[[str], None]
    labels: tuple[Label, ...] = ()
    strict: bool = False

    def missing(self, name: str, data: Path | None) -> tuple[str, ...]:
        """What is wrong with the data as far as names tell: a line that says what to fetch, or what to mend."""
        cls = self._load(self.used_name(name, data))
        if cls.generated:
            return ()
        if data is None:
            fetch = f"{cls.origin}; unpack them and give the folder that holds them with" if cls.origin else "needs"
            return (f"dataset {name}{':' if cls.origin else ''} {fetch} --data DIR",)
        if not data.is_dir():
            return (f"--data {data}: no such folder; name the one that holds the images and masks",)
        try:
            cls(resolve(cls, "dataset", name, self.resolver.profile, self.resolver.overrides), data).samples("train")
        except BenchError as error:
            return (str(error),)
        return ()

    def open(self, name: str, data: Path | None, check: bool = True) -> Splits:
        """Raises BenchError for broken pairs (only where `check` opens them) or without training or test pairs."""
        used = self.used_name(name, data)
        cls = self._load(used)
        params = resolve(cls, "dataset", used, self.resolver.profile, self.resolver.overrides)
        identity = {"name": used, "version": cls.version, "params": key_params(params)}
        root = self._build(used, cls, params, identity) if cls.generated else data
        assert root is not None
        table = tabulate(name, used, cls(params, root))
        if self.strict and table.repeats:
            raise BenchError(f"--strict: {'; '.join(table.repeats)}; remove the repeated images, or leave --strict out")
        if check:
            self._check(table, bool(getattr(params, "allow_empty_masks", False)))
        pairs = {
            split: relabelled(samples, self.labels, self.store, self.say) for split, samples in table.splits.items()
        }
        return table.with_splits(pairs)

    def _load(self, name: str) -> type[Dataset]:
        cls = self.resolver.registry.load("dataset", name)
        assert issubclass(cls, Dataset)
        return cls

    def used_name(self, name: str, data: Path | None) -> str:
        """`name` itself, or, where no folder is given and the profile allows it, the dataset that stands in for it."""
        cls = self._load(name)
        if cls.generated and data is not None:
            raise BenchError(f"--data {data}: dataset {name} makes its own images; leave --data out")
        return cls.stand_in if cls.stand_in and data is None and self.resolver.profile.run.stand_in else name

    def _build(self, name: str, cls: type[Dataset], params: object, identity: dict[str, object]) -> Path:
        # The run's seed plays no part: the same scenes serve every run, so that runs can be compared.
        seed = derive_seed(0, 0, "build", name)
        artefact = key({"stage": "build", "plugin": identity, "seed": seed})
        if not self.store.has("build", artefact):
            self._make(name, cls, params, identity, seed, artefact)
        self.store.verify("build", artefact)
        return self.store.path("build", artefact)

    def _make(
        self, name: str, cls: type[Dataset], params: object, identity: dict[str, object], seed: int, artefact: str
    ) -> None:
        source = self.resolver.registry.source_hash("dataset", name)
        with self.store.claim("build", artefact, lambda text: self.say(f"{name}: {text}"), source) as workspace:
            if not self.store.has("build", artefact):
                started = time.monotonic()
                ctx = Context(seed, workspace.work, progress=Terminal(f"make {name}"))
                cls(params, workspace.out).build(workspace.out, ctx)
                record = {"identity": identity, "source": source}
                record |= describe(cls.requires, "cpu", time.monotonic() - started)
                self.store.commit("build", artefact, workspace, record)

    def _check(self, table: Splits, allow_empty: bool) -> None:
        rule = {"checks": CHECKS, "empty": allow_empty, "labels": list(self.labels)}
        for split, samples in table.splits.items():
            mark = key({"stage": "check", **rule, "pairs": table.fingerprints[split]})
            if self.store.has("check", mark):
                continue
            check_pairs(samples, allow_empty, self.labels, table.name)
            with self.store.claim("check", mark, self.say) as workspace:
                if not self.store.has("check", mark):
                    record = {"dataset": table.name, "split": split, "pairs": len(samples)}
                    self.store.commit("check", mark, workspace, record)
