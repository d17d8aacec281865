"""The picture of the closest pairs: which image stands where, and when there is none."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.contracts import Context, Match, Measure, Metric, NoParams, Sample, Score
from bench.engine.closest_pairs import CLOSEST, GAP, HEADER, HEIGHT, PAIRS_A_ROW, TILE, WIDTH, draw_closest, sheet_of
from bench.engine.job import Job
from bench.engine.score_action import score_images
from bench.images import VIEWS, rotate, save_png
from bench.plan.actions import Origin, ScoreImages
from bench.plan.stage import DATA, Ref
from bench.plugins.resolved import ResolvedPlugin
from bench.store.artefacts import Store, Workspace
from bench.store.score_file import SCORES, Scored
from tests.conftest import refused


def quarters(*colours):
    """An image of four quarters: upper left, upper right, lower left, lower right."""
    return np.array(colours, dtype=np.uint8).reshape(2, 2, 3).repeat(20, 0).repeat(20, 1)


RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)
REAL, FAKE = quarters(RED, GREEN, BLUE, GREY), quarters(GREY, GREY, GREY, RED)


@pytest.fixture
def sets(tmp_path):
    """Twenty real and twenty synthetic samples; all of a side have one image."""
    save_png(tmp_path / "real.png", REAL)
    save_png(tmp_path / "fake.png", FAKE)
    return [
        tuple(Sample(id=f"{side}{i}", image=tmp_path / f"{side}.png", mask="") for i in range(20))
        for side in ("real", "fake")
    ]


def score(matches):
    return Score(value=0.5, n_real=20, n_fake=20, estimator="made up", matches=tuple(matches))


def corners(sheet, left, top):
    """Colours in the middle of the four quarters of the tile at that place."""
    near, far = TILE // 4, 3 * TILE // 4
    return [sheet.getpixel((left + x, top + y)) for y in (near, far) for x in (near, far)]


def expected(pixels):
    return [tuple(int(part) for part in pixels[y, x]) for y in (10, 30) for x in (10, 30)]


@pytest.mark.parametrize("view", range(len(VIEWS)))
def test_the_synthetic_image_stands_left_of_its_match_turned_as_matched(sets, view):
    sheet = sheet_of("toy", score([Match(0, 0, view, 0.25)]), *sets)
    assert corners(sheet, GAP, HEADER) == expected(FAKE)
    assert corners(sheet, 2 * GAP + TILE, HEADER) == expected(rotate(REAL, view))


def test_pairs_follow_each_other_row_by_row(sets):
    """The sixth pair stands second in the second row, and is the one whose view differs."""
    matches = [Match(i, i, 2 if i == 5 else 0, 0.1 * i) for i in range(6)]
    sheet = sheet_of("toy", score(matches), *sets)
    assert sheet.size == (PAIRS_A_ROW * WIDTH, HEADER + 2 * HEIGHT)
    assert corners(sheet, 2 * GAP + TILE + WIDTH, HEADER + HEIGHT) == expected(rotate(REAL, 2))
    assert corners(sheet, 2 * GAP + TILE, HEADER + HEIGHT) == expected(REAL)


def test_ids_distances_and_views_are_written_below(sets):
    """Another distance, view or id: other ink below the tile it belongs to, and none elsewhere."""
    real, fake = sets
    plain = np.asarray(sheet_of("toy", score([Match(0, 0, 0, 0.25)]), real, fake))
    other_id = (replace(real[0], id="another"), *real[1:])
    for changed, side in (
        (sheet_of("toy", score([Match(0, 0, 0, 0.75)]), real, fake), "left"),
        (sheet_of("toy", score([Match(1, 0, 0, 0.25)]), real, fake), "left"),
        (sheet_of("toy", score([Match(0, 0, 0, 0.25)]), other_id, fake), "right"),
    ):
        ys, xs = np.nonzero((np.asarray(changed) != plain).any(axis=2))
        assert ys.min() > HEADER + TILE
        assert (xs < GAP + TILE).all() if side == "left" else (xs >= 2 * GAP + TILE).all()


def test_a_long_id_stays_below_its_own_image(sets):
    """Its middle is left out; the space between the two tiles and the sheet's right edge stay white."""
    real, fake = ((replace(side[0], id="w" * 300), *side[1:]) for side in sets)
    sheet = np.asarray(sheet_of("toy", score([Match(0, 0, 0, 0.25)]), real, fake))
    below = sheet[HEADER + TILE :]
    assert (below[:, GAP + TILE - 2 : 2 * GAP + TILE] == 255).all()
    assert (below[:, 2 * GAP + 2 * TILE :] == 255).all()
    assert (below[:, :TILE] == 0).any()


def test_the_first_score_over_whole_sets_with_matches_is_drawn(sets, tmp_path):
    """Not one within a third of lesion sizes, whose rows are others; where none has matches there is no file."""
    none, some = score([]), score([Match(0, 0, 3, 0.25)])
    draw_closest(tmp_path, [Scored(Measure("a"), none), Scored(Measure("b"), some, "small lesions")], *sets)
    assert not (tmp_path / CLOSEST).exists()
    draw_closest(tmp_path, [Scored(Measure("a"), none), Scored(Measure("b"), some)], *sets)
    with Image.open(tmp_path / CLOSEST) as sheet:
        assert corners(sheet, 2 * GAP + TILE, HEADER) == expected(rotate(REAL, 3))


class Matching(Metric):
    """Finds the second synthetic image next to the third real one."""

    uses = ""

    def measures(self, label):
        return (Measure("toy"),)

    def score(self, real, fake, space, ctx):
        return {"toy": score([Match(1, 2, 3, 0.25)])}


def test_scoring_leaves_the_picture_beside_the_numbers(sets, tmp_path):
    """In the folder that a number's `record` names."""
    (tmp_path / "out").mkdir()
    real, fake = Ref(DATA, "real"), Ref(DATA, "fake")
    metric = ResolvedPlugin(kind="metric", name="matching", plugin=Matching(NoParams()), identity={})
    origin = Origin(label="", backbone="", weights="", resize="", reference="train")
    workspace, ctx = Workspace(tmp_path / "out", tmp_path), Context(seed=0, workdir=tmp_path)
    splits = dict(zip(("real", "fake"), sets, strict=True))
    job = Job(store=Store(tmp_path), splits=splits, workspace=workspace, ctx=ctx)
    score_images(ScoreImages(label="", metric=metric, fake=fake, real=real, origin=origin), job)
    assert {path.name for path in job.out.iterdir()} >= {SCORES, CLOSEST}
    with Image.open(job.out / CLOSEST) as sheet:
        assert corners(sheet, 2 * GAP + TILE, HEADER) == expected(rotate(REAL, 3))


def test_an_image_that_is_gone_is_named(sets):
    real, fake = sets
    gone = tuple(replace(sample, image=sample.image.with_name("gone.png")) for sample in real)
    refused(lambda: sheet_of("toy", score([Match(0, 0, 0, 0.25)]), gone, fake), "gone.png")
