"""What sets are worth in real pairs, from the records of an earlier `worth`: nothing is computed anew but intervals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.analysis.worth import Worth
from bench.errors import BenchError
from bench.report.worth import WorthReport, worth_report
from bench.report.worth_table import sentence
from bench.store.artefacts import Store
from bench.store.run_manifest import RunManifest
from bench.store.worth_manifest import WorthManifest, load_worth

MANIFESTS = "worth"
"""Below the results folder."""


def worth_again(results: Path, name: str) -> WorthReport | None:
    """The report of an earlier worth, from its records alone. BenchError where there is none of that name."""
    return worth_report(load_worth(results / MANIFESTS / f"{name}.json"), Store(results / "store"))


def known_worths(results: Path, run: RunManifest) -> list[str]:
    """A sentence for each worth that has been asked of a run's own sets, by its own networks.

    A manifest that cannot be read is told in one, and left alone.
    """
    found: list[str] = []
    for path in sorted((results / MANIFESTS).glob("*.json")):
        try:
            found += _worths(load_worth(path), run, Store(results / "store"))
        except BenchError as error:
            found.append(f"no worth from {error}")
    return found


def _worths(manifest: WorthManifest, run: RunManifest, store: Store) -> Iterator[str]:
    """Sets, networks and data are the same where their keys, identities and hashes are."""
    sets = {row.trained_on for row in manifest.run.rows if row.synthetic and _sets(run) & set(row.synthetic)}
    networks = {name for name, one in manifest.run.segmenters.items() if run.segmenters.get(name) == one}
    if not sets or not networks or manifest.run.dataset.fingerprint != run.dataset.fingerprint:
        return
    report = worth_report(manifest, store)
    for curve in report.headline if report else ():
        for one in curve.sets:
            if one.about.trained_on in sets and curve.segmenter in networks:
                yield f"{sentence(one)} [worth {manifest.name}, {_repeats(one)}]"


def _repeats(one: Worth) -> str:
    """How often its networks were trained."""
    return "1 repeat" if one.training.repeats == 1 else f"{one.training.repeats} repeats"


def _sets(run: RunManifest) -> set[str]:
    """Keys of all synthetic sets that a run's networks are trained with."""
    return {key for row in run.rows for key in row.synthetic}
