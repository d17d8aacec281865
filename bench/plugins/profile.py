"""A protocol as data: what runs by default, and the parameters that differ from a plugin's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contracts import SEGMENTER, SOURCES, param
from bench.errors import BenchError, did_you_mean
from bench.plugins.params import build
from bench.plugins.registry import ROOMS, Registry
from bench.plugins.sections import SECTIONS

PROFILES = Path(__file__).parents[1] / "profiles"
MASKS = ("real", "random")
REFERENCES = ("train", "test")
FRACTIONS = (5, 10, 25, 50, 75, 100)
SELECTIONS = ("last", "test")
MOST_REPEATS = 1000
"""What can be planned within seconds; nobody would wait for as many."""
ON_TEST = "selected on test (as published)"
"""Label of every line whose epoch was selected on the test images."""
ROWS = ("real", "equal-updates", "added", "only")
"""What segmenters are trained on: the real set, the same with as many updates as with a synthetic one added, each
generator's set added to it, and each generator's set alone."""

WORTH_ROWS = ("added", "only")
"""Those of them that a learning curve of real pairs says the worth of."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Defaults of `python -m bench run`, from a profile's [run] table; a flag of the same name wins."""

    controls: tuple[str, ...] = ()
    segmenters: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    columns: tuple[str, ...] = ("mdice@256", "miou@256")
    seed: int = param(0, "base seed of everything random", low=0)
    repeats: int = param(1, "times that everything random is done, each with its own seed", low=1, high=MOST_REPEATS)
    vary: tuple[str, ...] = param(SOURCES, "what has a seed of its own in each repeat", choices=SOURCES)
    margin: float = param(0.01, "least difference of scores that matters", low=1e-6, high=1)
    masks: str = param("real", "condition on training masks as they are, or transformed", choices=MASKS)
    reference: str = param("train", "real images a synthetic set is compared with", choices=REFERENCES)
    multiple: int = param(1, "synthetic images a mask", low=1, high=4)
    fraction: int = param(100, "percent of the real training set that is used", choices=FRACTIONS)
    train_on: tuple[str, ...] = param(
        ("real", "equal-updates", "added"), "training sets of the segmenters", choices=ROWS
    )
    select: str = param("last", "epoch that is kept; test: the best on the test sets, as published", choices=SELECTIONS)
    shape_scores: bool = param(False, "score S-measure, weighted F, HD95 and surface Dice of every map too")
    stand_in: bool = param(False, "without --data, let a generated dataset take the place of the one asked for")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A protocol as data: what runs by default and every parameter that differs from a plugin's own default."""

    name: str
    description: str
    comparable: bool
    run: RunOptions
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    sections: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _About:
    """What a profile says of itself. Scores under one that is not `comparable` are not held against published ones."""

    description: str = ""
    comparable: bool = False


def profile_names() -> tuple[str, ...]:
    """The profiles that come with the suite, sorted."""
    return tuple(sorted(path.stem for path in PROFILES.glob("*.toml")))


def load_profile(name: str) -> Profile:
    """A profile of the suite by name, or any TOML file by path."""
    path = Path(name) if name.endswith(".toml") else PROFILES / f"{name}.toml"
    if not path.is_file():
        raise BenchError(f"--profile {name}: no such profile{did_you_mean(name, profile_names())}, or a .toml file")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: not valid TOML in UTF-8: {error}") from None
    known = ("run", *SECTIONS, *ROOMS)
    unknown = set(data) - {"description", "comparable", *known}
    if unknown:
        raise BenchError(f"{path}: unknown table {min(unknown)!r}{did_you_mean(min(unknown), known)}")
    run = build(RunOptions, _renamed(data.get("run", {}), f"{path}: run"), f"{path}: run")
    tables = {kind: data.get(kind, {}) for kind in ROOMS}
    for kind, table in tables.items():
        if not isinstance(table, dict) or not all(isinstance(values, dict) for values in table.values()):
            raise BenchError(f"{path}: {kind}: write a table [{kind}.NAME] with that plugin's parameters")
        tables[kind] = {name: _expand(table, name, f"{path}: {kind}.{name}") for name in table}
    own = {name: build(one.params, data.get(name, {}), f"{path}: {name}") for name, one in SECTIONS.items()}
    about = build(_About, {name: data[name] for name in ("description", "comparable") if name in data}, f"{path}")
    return Profile(
        name=path.stem,
        description=about.description,
        comparable=about.comparable,
        run=run,
        tables=tables,
        sections=own,
    )


_OLD_NAMES = {"rows": "train_on", "seeds": "repeats"}


def _renamed(table: Any, where: str) -> Any:
    """What earlier versions wrote and is still read: `rows`, now `train_on`; `seeds`, repeats of the networks alone."""
    if not isinstance(table, dict):
        return table
    if "rows" in table and "train_on" in table:
        raise BenchError(f"{where}: rows and train_on say the same; leave rows out")
    if "seeds" in table and {"repeats", "vary"} & set(table):
        raise BenchError(f"{where}: seeds = N is the old way to say repeats = N and vary = ['segmenter']; leave it out")
    renamed = {_OLD_NAMES.get(name, name): value for name, value in table.items()}
    return renamed | ({"vary": [SEGMENTER]} if "seeds" in table else {})


def _expand(table: Mapping[str, Mapping[str, Any]], name: str, where: str) -> dict[str, Any]:
    """A plugin's table; `like = "other"` puts the other's values below its own."""
    own = dict(table[name])
    other = own.pop("like", None)
    if other is None:
        return own
    if other not in table or "like" in table[other]:
        raise BenchError(f"{where}.like: {other!r} is not a table of its own{did_you_mean(str(other), table)}")
    return {**table[other], **own}


def refuse_unknown_plugins(profile: Profile, registry: Registry) -> None:
    """A misspelt table of a profile would change nothing and say nothing."""
    for kind, table in profile.tables.items():
        for name in table:
            if name not in registry.names(kind):
                hint = did_you_mean(name, registry.names(kind))
                raise BenchError(f"--profile {profile.name}: [{kind}.{name}]: unknown {kind}{hint}")
