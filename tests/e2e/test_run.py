"""One command from pairs to leaderboard; again from records alone."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from bench.images import save_png
from bench.report.write import TIDY
from tests.conftest import PLUGINS, make_pairs
from tests.e2e.conftest import HEAVY, ROOT, TOY_RUN, imported, made, made_since, said

PROMISED = ("dataset", "generator", "masks", "row", "segmenter", "test_set", "metric", "value", "low", "high", "n",
            "repeats", "profile", "base", "record")  # fmt: skip
TABLES = (
    *(f"leaderboard.{suffix}" for suffix in ("csv", "tex", "md")),
    *(f"{name}.{suffix}" for name in ("sets", "verdicts") for suffix in ("tex", "md", "csv")),
    "components.csv", "scores.csv", "differences.csv", "per_image.csv",
)  # fmt: skip
SMALL = ["--set", "phantom.size=32", "--set", "phantom.train=6", "--set", "phantom.test=2"]
EQUAL = "real, equal updates"
CONTROL = "real+copy-paste (equal updates)"
PRESENT = {"CVC-300": 2, "Kvasir": 5}


def scores(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def published(done, name="scores.csv"):
    return done.tables / name


@pytest.fixture(scope="module")
def stand_in(process, tmp_path_factory):
    """The first command of the README with toys in the place of networks: no data given, no torch installed."""
    results = tmp_path_factory.mktemp("stand-in")
    words = ["run", *TOY_RUN, "--dataset", "polyps", *SMALL, "--results", results]
    return words, process(*words), results


@pytest.fixture(scope="module")
def polyps(bench, tmp_path_factory):
    """PraNet's layout with two of the five test sets, of unequal size."""
    folder = tmp_path_factory.mktemp("polyps")
    make_pairs(folder / "TrainDataset", 6)
    for seed, (name, count) in enumerate(PRESENT.items(), 1):
        make_pairs(folder / "TestDataset" / name, count, seed=seed, prefix="t")
    results = folder / "results"
    return bench("run", *TOY_RUN, "--dataset", "polyps", "--data", folder, "--results", results), results


def test_it_ends_with_a_table_and_its_files(stand_in):
    _, done, _ = stand_in
    assert done.code == 0, done.err
    assert "test sets: mdice@256 ↑" in done.out
    assert "toy-mirror" in done.out
    assert {path.name for path in done.tables.iterdir()} == set(TABLES)


def test_a_stand_in_is_named_first_and_last(stand_in):
    """Among the first lines, and below the table in every format."""
    _, done, _ = stand_in
    for sentence in ("no --data given: dataset phantom stands in for polyps", "not comparable with published scores"):
        assert any(sentence in line for line in done.lines[:4])
        assert sentence in done.out
        assert sentence in published(done, "leaderboard.md").read_text()
        assert sentence in published(done, "leaderboard.tex").read_text().replace("{}", "")


def test_scores_are_tidy(stand_in):
    """The promised columns in their order, extra ones behind them; every number with n, profile, base and record."""
    _, done, results = stand_in
    rows = scores(published(done))
    assert tuple(rows[0])[: len(PROMISED)] == PROMISED
    assert tuple(rows[0]) == TIDY
    assert {row["row"] for row in rows if row["segmenter"]} == {"real", CONTROL, "real+toy-mirror"}
    assert {row["dataset"] for row in rows} == {"phantom"}
    for row in rows:
        float(row["value"])
        assert int(row["n"]) > 0
        assert (row["profile"], row["masks"], row["repeats"]) == ("demo", "real", "1")
        assert (results / "store" / row["record"] / "record.json").is_file()


def test_a_second_run_reuses_everything(stand_in, bench):
    words, first, results = stand_in
    before = made(results)
    again = bench(*words)
    assert not made_since(before, results)
    assert again.out == first.out


def test_a_run_with_everything_in_the_store_imports_nothing_heavy(stand_in):
    """Though all is installed, and though a device is named that is asked for where there is work. Its tables are
    written again, byte for byte."""
    words, first, _ = stand_in
    tables = first.tables
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    shutil.rmtree(tables)
    assert not {*HEAVY, "accelerate", "matplotlib"} & imported(*words, "--device", "cuda:99")
    assert {path.name: path.read_bytes() for path in tables.iterdir()} == before


@pytest.mark.benchmark
def test_a_second_run_takes_less_than_three_seconds(stand_in, process):
    words, _, _ = stand_in
    started = time.monotonic()
    assert process(*words).code == 0
    assert time.monotonic() - started < 3


def test_an_edited_plugin_file_is_noticed(toy_run, tmp_path):
    """Its bytes decide, though its version did not rise; only what depends on it is made anew."""
    mine = tmp_path / "mine.py"
    mine.write_text((PLUGINS / "toy_mirror.py").read_text())
    first = toy_run("--plugin", mine, "--generator", "mine")
    assert first.code == 0, first.err
    before = made(tmp_path / "results")
    mine.write_text(mine.read_text() + "# changed\n")
    assert toy_run("--plugin", mine, "--generator", "mine").code == 0
    again = made_since(before, tmp_path / "results")
    assert {again.count(action) for action in ("fit", "sample", "train")} == {1}


@pytest.mark.parametrize(("form", "sign"), [("csv", "dataset,"), ("latex", r"\toprule"), ("markdown", "| --- |")])
def test_the_leaderboard_is_rendered_from_records_without_torch(stand_in, bench, tmp_path, form, sign):
    _, first, results = stand_in
    out = tmp_path / "sub" / "table"
    done = bench("leaderboard", "--format", form, "--out", out, "--results", results)
    assert (done.code, done.err) == (0, "")
    assert sign in out.read_text()
    suffix = {"csv": "csv", "latex": "tex", "markdown": "md"}[form]
    assert out.read_text() == published(first, f"leaderboard.{suffix}").read_text()
    assert bench("leaderboard", "--format", form, "--results", results).out.strip() == out.read_text().strip()


def test_the_leaderboard_imports_nothing_heavy(stand_in):
    _, _, results = stand_in
    assert not set(HEAVY) & imported("leaderboard", "--results", results)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_file_compiles_as_it_is(stand_in, tmp_path):
    _, done, _ = stand_in
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-output-directory", tmp_path,
         published(done, "leaderboard.tex")], capture_output=True)  # fmt: skip
    assert made.returncode == 0, made.stdout.decode()[-1500:]
    assert b"Overfull \\hbox" not in made.stdout


def test_overall_is_the_mean_over_all_images(polyps):
    """Recomputed from the per-image records: each set weighs as many images as it has."""
    done, results = polyps
    rows = [row for row in scores(published(done)) if row["segmenter"] and row["metric"] == "mdice@256"]
    images = defaultdict(list)
    for row in rows:
        if row["test_set"] in PRESENT:
            per_image = scores(results / "store" / row["record"] / "per_image.csv")
            assert float(row["value"]) == pytest.approx(sum(float(r["mdice@256"]) for r in per_image) / len(per_image))
            images[row["row"]] += [float(r["mdice@256"]) for r in per_image]
    for row in rows:
        if row["test_set"] == "overall":
            assert float(row["value"]) == pytest.approx(sum(images[row["row"]]) / len(images[row["row"]]))
            assert int(row["n"]) == sum(PRESENT.values())
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"])


def test_lines_are_compared_with_the_control_image_by_image(polyps, bench):
    """Recomputed from the per-image records; the table follows the leaderboard, and follows it again from records."""
    done, results = polyps
    rows = {(row["row"], row["test_set"]): row for row in scores(published(done)) if row["metric"] == "mdice@256"}
    found = [row for row in scores(published(done, "verdicts.csv")) if row["metric"] == "mdice@256"]
    assert {(row["row"], row["baseline"]) for row in found} == {
        ("real", CONTROL),
        ("real+toy-mirror", CONTROL),
    }
    for row in found:
        gap = [float(rows[name, row["test_set"]]["value"]) for name in (row["row"], row["baseline"])]
        assert float(row["difference"]) == pytest.approx(gap[0] - gap[1])
        assert float(row["low"]) <= float(row["difference"]) <= float(row["high"])
    # The toy learns the same threshold from mirrored images: nothing differs, and nothing is to be tested.
    assert {(row["difference"], row["p_holm"], row["comparisons"]) for row in found} == {("0.0", "", "")}
    assert f"Verdicts: differences against {CONTROL} (mdice@256, overall; intervals of 95 %)" in done.out
    assert bench("leaderboard", "--results", results).out.strip() in done.out


def test_absent_test_sets_are_named_and_shown(polyps):
    done, _ = polyps
    assert "absent: CVC-ClinicDB, CVC-ColonDB, ETIS-LaribPolypDB; overall covers CVC-300, Kvasir" in done.out
    line = next(line for line in done.out.splitlines() if line.startswith("real+toy-mirror"))
    assert line.split().count("absent") == 3
    wide = scores(published(done, "leaderboard.csv"))
    assert wide[0]["CVC-ColonDB mdice@256"] == ""
    assert "published protocol has 1450" in said(done)


def test_results_and_out_move_everything(toy_run, tmp_path):
    before = set(ROOT.glob("results/*"))
    done = toy_run("--out", tmp_path / "tables")
    assert done.code == 0, done.err
    assert {path.name for path in (tmp_path / "tables").iterdir()} == set(TABLES)
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"store", "runs", "cache", "logs"}
    assert set(ROOT.glob("results/*")) == before
    assert not list((tmp_path / "results").rglob("*.part"))
    assert not list((tmp_path / "results").rglob("*.partial"))


def test_random_masks_are_said_in_the_table(toy_run):
    done = toy_run("--masks", "random")
    assert done.code == 0, done.err
    assert {row["masks"] for row in scores(published(done))} == {"random"}
    assert all(range in said(done) for range in ("0.7 to 1.3", "up to 15 %", "up to 180°"))
    assert {row["settings"] for row in scores(published(done))} == {""}


def test_ranges_of_random_masks_are_set_and_said(toy_run):
    """Below the table, and in the lines of generators as a departure from the profile; without effect, refused."""
    done = toy_run("--masks", "random", "--set", "masks.rotation=0", "--set", "masks.shift=0.1")
    assert done.code == 0, done.err
    assert "up to 10 %" in said(done)
    assert "°" not in said(done)
    rows = {row["settings"] for row in scores(published(done)) if row["generator"] == "toy-mirror"}
    assert rows == {"masks.shift=0.1 masks.rotation=0"}
    refused = toy_run("--set", "masks.rotation=0")
    assert refused.code == 2
    assert "--set masks.rotation=0: " in refused.error
    assert "--masks random" in refused.error


def test_test_masks_without_a_lesion_are_counted_fairly_beside_the_headline(toy_run, discs):
    """Terminal, tables and differences have Dice at 0.5 too, where an empty prediction of an empty mask is right."""
    names = [f"s{number:03d}" for number in range(10)]
    rows = [f"{name},{'test' if name >= 's007' else 'train'}" for name in names]
    (discs / "manifest.csv").write_text("\n".join(["id,split", *rows]) + "\n")
    whole = toy_run()
    assert whole.code == 0, whole.err
    assert "dice@0.5" not in said(whole)
    save_png(discs / "masks" / "s008.png", np.zeros((24, 24), np.uint8))
    done = toy_run("--set", "dataset.folder.allow_empty_masks=true")
    assert done.code == 0, done.err
    assert re.search("1 of 3 test masks .*mdice@256 .*0, dice@0.5 .*1", said(done))
    head = next(line for line in done.out.splitlines() if "overall" in line)
    assert "overall mdice@256" in head
    assert "overall dice@0.5" in head
    for name in ("leaderboard.csv", "leaderboard.tex", "leaderboard.md"):
        assert "dice@0.5" in published(done, name).read_text()
    assert {row["metric"] for row in scores(published(done, "verdicts.csv"))} == {
        "mdice@256", "dice@0.5", "miou@256",
    }  # fmt: skip


def test_the_test_images_as_reference(toy_run, tmp_path):
    """Two of ten pairs are held out; the lines of generators say that the run departs from its profile."""
    usual = toy_run()
    before = made(tmp_path / "results")
    other = toy_run("--reference", "test")
    assert usual.code == other.code == 0, other.err
    for done, reference, n_real in ((usual, "train", "6"), (other, "test", "2")):
        rows = [row for row in scores(published(done)) if row["metric"] == "distance-Colour"]
        assert {(row["reference"], row["n_real"]) for row in rows} == {(reference, n_real)}
        assert f"the {reference} images" in said(done)
    assert {row["settings"] for row in rows} == {"reference=test"}
    assert set(made_since(before, tmp_path / "results")) <= {"features", "score"}


def test_two_sets_are_compared_with_an_interval_of_their_difference(toy_run, bench, tmp_path):
    """In a file beside the table and, where it is beyond its noise, below the table; rendered again, the same."""
    done = toy_run("--set", "toy-mirror.brightness=40")
    (row,) = scores(published(done, "differences.csv"))
    assert (row["metric"], row["a"], row["b"]) == ("distance-Colour", "toy-mirror", "copy-paste")
    assert 0 < float(row["low"]) < float(row["difference"]) < float(row["high"])
    values = {one["generator"]: float(one["value"]) for one in scores(published(done)) if not one["segmenter"]}
    assert float(row["difference"]) == pytest.approx(values["toy-mirror"] - values["copy-paste"])
    sentence = f"distance-Colour: toy-mirror above copy-paste by {float(row['difference']):.4f} ["
    assert sentence in said(done)
    again = bench("leaderboard", "--results", tmp_path / "results", "--format", "markdown")
    assert sentence in again.out.replace("\\", "")


def test_maps_of_a_real_trained_segmenter_are_scored(toy_run):
    """A metric of maps, through the command line: the synthetic set, what is held out and shuffled masks."""
    done = toy_run("--metric", "alignment")
    rows = [row for row in scores(published(done)) if row["metric"].startswith("alignment-toy-threshold")]
    assert [row["metric"].partition(" ")[2] for row in rows] == ["", "p5", "ceiling", "floor"] * 2
    assert {(row["reference"], row["n_real"], row["n"]) for row in rows} == {("held-out", "2", "6")}
    assert all(row["estimator"] and row["backbone"] == "toy-threshold" for row in rows)
    assert "alignment" not in published(done, "leaderboard.md").read_text()


def test_several_images_a_mask(toy_run):
    """Twice the set: twice the n of the set's metrics, and the table says so."""
    rows = scores(published(toy_run("--multiple", "2")))
    once = {row["generator"]: int(row["n"]) for row in scores(published(toy_run())) if row["metric"].startswith("dist")}
    twice = {row["generator"]: int(row["n"]) for row in rows if row["metric"].startswith("dist")}
    assert once
    assert twice == {name: 2 * n for name, n in once.items()}
    alone = ("real", EQUAL)
    assert {(row["row"] in alone, row["settings"]) for row in rows} == {(True, ""), (False, "multiple=2")}
    assert {row["row"]: row["pairs"] for row in rows if row["segmenter"]} == {
        "real": "6", EQUAL: "18", "real+copy-paste": "18", "real+toy-mirror": "18",
    }  # fmt: skip


def test_rows_are_those_asked_for(toy_run):
    """Each stands in the plan, on the board and in the tidy table with its pairs and its updates."""
    words = ("--train-on", "only", "--rows", "real", "equal-updates")
    plan = " ".join(toy_run(*words, "--dry-run").out.split())
    asked = {"real": 6, EQUAL: 12, "copy-paste only": 6, "toy-mirror only": 6}
    assert f"trained on: {'; '.join(f'{row} ({pairs} pairs)' for row, pairs in asked.items())} device" in plan
    done = toy_run(*words)
    board = scores(published(done, "leaderboard.csv"))
    assert [(row["trained on"], row["pairs"], row["updates"]) for row in board] == [
        (row, str(pairs), str(pairs)) for row, pairs in asked.items()
    ]
    rows = [row for row in scores(published(done)) if row["segmenter"]]
    assert {row["row"]: (row["pairs"], row["updates"]) for row in rows} == {
        row: (str(pairs), str(pairs)) for row, pairs in asked.items()
    }
    assert "updates" in done.out


def test_the_real_set_repeated_shares_nothing_with_the_generators(toy_run, tmp_path):
    """Its key follows the number of pairs alone: with another generator nothing of it is trained anew."""
    toy_run()
    before = made(tmp_path / "results")
    assert toy_run("--set", "toy-mirror.brightness=40").code == 0
    assert made_since(before, tmp_path / "results").count("train") == 1


def test_a_fraction_of_the_real_set(toy_run, tmp_path):
    """Generators and segmenters see the share, test sets are whole; table and settings say so; 100 is no share."""
    whole, half = toy_run(), toy_run("--fraction", "50")
    assert half.code == 0, half.err
    assert re.search("--fraction 50: .* 3 of 6 training pairs", said(half))
    rows = scores(published(half))
    assert {row["settings"] for row in rows} == {"fraction=50"}
    assert {row["n"] for row in rows if not row["segmenter"]} == {"3"}
    assert {row["pairs"] for row in rows if row["segmenter"]} == {"3", "6"}
    tested = [{row["n"] for row in scores(published(done)) if row["test_set"] == "overall"} for done in (whole, half)]
    assert tested[0] == tested[1]
    before = made(tmp_path / "results")
    again = toy_run("--fraction", "100")
    assert not made_since(before, tmp_path / "results")
    assert again.out == whole.out


def test_too_small_a_fraction_is_one_line(toy_run):
    done = toy_run("--fraction", "10")
    assert done.code == 2
    assert "--fraction 10: leaves 1 of 6 " in done.error


def test_selected_on_test_is_labelled(toy_run, tmp_path):
    """Beside the usual run in one table: lines of their own, the label in settings, the warning below."""
    usual = toy_run()
    before = made(tmp_path / "results")
    done = toy_run("--select", "test")
    assert done.code == 0, done.err
    label = "selected on test (as published)"
    rows = scores(published(done))
    assert {(bool(row["segmenter"]), row["settings"]) for row in rows} == {(True, label), (False, "")}
    assert "so scores are optimistic" in " ".join(done.out.split())
    assert label not in usual.out
    given = [json.loads(path.read_text())["select"] for path in (tmp_path / "results").rglob("training.json")]
    assert sorted(map(len, given)) == [0] * 3 + [2] * 3
    assert "sample" not in made_since(before, tmp_path / "results")


def test_every_images_scores_are_kept(toy_run, bench, tmp_path):
    """A line an image, test set, training and row; their means are the scores; the same again from records."""
    done = toy_run("--repeats", "2")
    path = published(done, "per_image.csv")
    images = scores(path)
    assert list(images[0])[:6] == ["segmenter", "row", "repeat", "test_set", "id", "group"]
    assert len(images) == 3 * 2 * 2, "rows, trainings, test images"
    assert {row["repeat"] for row in images} == {"1", "2"}
    for row in scores(published(done)):
        if row["metric"] == "mdice@256" and row["test_set"] == "test":
            own = [float(one["mdice@256"]) for one in images if one["row"] == row["row"]]
            assert float(row["value"]) == pytest.approx(sum(own) / len(own))
    out = tmp_path / "again.csv"
    assert bench("leaderboard", "--results", tmp_path / "results", "--per-image", out).code == 0
    assert out.read_text() == path.read_text()


@pytest.mark.parametrize(
    ("options", "fits", "samples", "sources"),
    [
        (["--repeats", "2"], 3, 3, "test images, generator training, sampling, segmentation training"),
        (["--repeats", "2", "--vary", "sample", "segmenter"], 2, 3, "test images, sampling, segmentation training"),
        (["--seeds", "2"], 2, 2, "test images, segmentation training"),
    ],
)
def test_repeats_do_anew_what_varies_and_say_so(toy_run, tmp_path, options, fits, samples, sources):
    """Two of the generator, one of the control, which has nothing random; `--seeds` is the old way for networks."""
    done = toy_run(*options)
    assert done.code == 0, done.err
    found = made_since({}, tmp_path / "results")
    assert (found.count("fit"), found.count("sample"), found.count("train")) == (fits, samples, 2 * 3)
    rows = [row for row in scores(published(done)) if row["segmenter"]]
    assert {row["repeats"] for row in rows} == {"2"}
    assert all(row["sd"] for row in rows)
    (line,) = {row["sources"] for row in scores(published(done, "verdicts.csv")) if row["row"] == "real+toy-mirror"}
    assert line.partition(";")[0] == sources
    assert f"2 repeats: intervals contain {sources}" in said(done)
    of_sets = {row["repeats"] for row in scores(published(done, "sets.csv")) if row["set"] == "toy-mirror"}
    assert of_sets == {str(samples - 1)}


def test_runs_with_other_parameters_stand_on_lines_of_their_own(toy_run, bench, tmp_path):
    """Two settings of one generator in one store: neither's numbers slip into the other's line."""
    first = toy_run("--out", tmp_path / "first")
    other = toy_run("--set", "toy-mirror.brightness=40", "--out", tmp_path / "other")
    assert first.code == other.code == 0
    assert (
        bench("leaderboard", "--results", tmp_path / "results", "--format", "csv", "--out", tmp_path / "all").code == 0
    )
    both = [row for row in scores(tmp_path / "all") if row["generator"] == "toy-mirror"]
    assert [row["settings"] for row in both] == ["", "toy-mirror.brightness=40"]
    for row, folder in zip(both, ("first", "other"), strict=True):
        alone = [one for one in scores(tmp_path / folder / "leaderboard.csv") if one["generator"] == "toy-mirror"]
        for column in ("distance-Colour", "overall mdice@256"):
            assert row[column] == alone[0][column]
    controls = [row for row in scores(tmp_path / "all") if row["generator"] != "toy-mirror"]
    assert [row["trained on"] for row in controls] == ["real", CONTROL]
    shown = bench("leaderboard", "--results", tmp_path / "results").out.partition("Verdicts: differences against")[2]
    assert [line.split()[0] for line in shown.splitlines() if "real+toy-mirror" in line] == [
        "toy-threshold",
        "toy-mirror.brightness=40",
    ]


def noted(folder):
    """Notes below the leaderboard."""
    lines = (folder / "leaderboard.md").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line.startswith("- ")}


def test_controls_are_shown_beside_the_same_numbers(toy_run, tmp_path):
    """Every line of every table but theirs is as without them; they are marked in each, and never bold."""
    pytest.importorskip("diffusers")
    plain, shown = (toy_run(*more, "--out", tmp_path / name) for name, more in (("a", ()), ("b", ["--controls"])))
    assert plain.code == shown.code == 0, shown.err
    for name in ("scores.csv", "sets.csv", "verdicts.csv", "leaderboard.csv", "per_image.csv"):
        before, after = scores(tmp_path / "a" / name), scores(tmp_path / "b" / name)
        marked = [
            row for row in after if any("(control)" in cell for cell in row.values()) or row.get("control") == "True"
        ]
        assert [row for row in after if row not in marked] == before, name
        assert marked, name
    before, after = (noted(tmp_path / name) for name in "ab")
    assert before < after
    assert all("control" in note for note in after - before)
    lines = (tmp_path / "b" / "leaderboard.md").read_text(encoding="utf-8").splitlines()
    shown_lines = [line for line in lines if line.startswith("|") and "(control)" in line]
    assert shown_lines
    assert not any("**" in line for line in shown_lines)
    assert "real+reconstruction (control)" in shown.out


def test_a_synthetic_set_made_elsewhere(bench, tmp_path, discs):
    """Generator `folder`: the set's bytes decide what is computed anew."""
    make_pairs(tmp_path / "fake", 4, seed=9)
    words = ["run", *TOY_RUN, "--generator", "folder", "--set", f"generator.folder.path={tmp_path / 'fake'}",
             "--dataset", "folder", "--data", discs, "--results", tmp_path / "r"]  # fmt: skip
    done = bench(*words)
    assert done.code == 0, done.err
    fake = next(row for row in scores(published(done)) if row["generator"] == "folder")
    assert (fake["metric"], fake["n"]) == ("distance-Colour", "4")
    assert fake["settings"] == "folder.path=fake", "the rest of a private path stays out of tables"
    before = made(tmp_path / "r")
    make_pairs(tmp_path / "fake", 4, seed=10)
    assert bench(*words).code == 0
    assert made_since(before, tmp_path / "r").count("sample") == 1


@pytest.mark.slow
def test_the_real_polyps_run_with_toys(bench, real_data, tmp_path):
    """Every one of the real pairs is read; the three sets that are not there are absent."""
    done = bench("run", *TOY_RUN, "--dataset", "polyps", "--data", real_data, "--results", tmp_path)
    assert done.code == 0, done.err
    assert "1439 training pairs" in done.err
    assert "absent: CVC-300, CVC-ColonDB, ETIS-LaribPolypDB" in done.out


def test_other_scores_of_the_maps_are_in_the_tidy_table_only(polyps):
    """Each with its direction's interval; recall also by lesion size, each set's thirds by its own masks."""
    done, _ = polyps
    rows = [row for row in scores(published(done)) if row["segmenter"] and row["test_set"] == "Kvasir"]
    found = {row["metric"] for row in rows}
    assert {"e-measure@256", "mae", "recall@0.5", "ece-pooled"} <= found
    assert not {"s-measure", "weighted-f", "hd95", "surface-dice@2px"} & found
    thirds = [row for row in rows if row["stratum"] and row["row"] == "real"]
    assert {row["metric"] for row in thirds} == {"recall@0.5"}
    assert sum(int(row["n"]) for row in thirds) == PRESENT["Kvasir"]
    assert all("terciles" in row["note"] for row in thirds)
    heading = published(done, "leaderboard.csv").read_text().splitlines()[0]
    assert "mdice@256" in heading
    assert not [name for name in ("e-measure", "mae", "recall", "ece") if name in heading]
