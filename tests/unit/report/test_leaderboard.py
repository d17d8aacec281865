"""Score rows -> the wide table: which lines, which columns, what is said below."""

from dataclasses import replace

from bench.analysis.score_rows import ScoreRow
from bench.analysis.set_differences import Difference
from bench.report.leaderboard import build_table
from bench.report.render import to_text
from bench.report.table import show

REAL = ScoreRow("d", "f" * 12, "none", "real", "real", "s", "a", "mdice@256", 0.5, 0.4, 0.6, 9, 1, None, "demo", "",
                "segscore/r", "higher", line="r")  # fmt: skip
MADE = replace(REAL, generator="g", row="real+g", value=0.7, record="segscore/g", line="g", synthetic="set")
SET = replace(MADE, row="", segmenter="", test_set="", metric="FD", value=12.5, low=None, high=None,
              n=8, better="lower", line="")  # fmt: skip


def manifest(**changes):
    data = {"name": "d", "fingerprint": "f" * 64, "pairs": {"train": 5, "test/a": 9}, "absent": [], **changes}
    return {"dataset": data, "columns": ["mdice@256"], "notes": ["a note"], "seed": 0, "seeds": 1, "reference": "train"}


def shown(table):
    return [
        {c.title: show(cell, c) for c, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]  # fmt: skip


def overall(row):
    return replace(row, test_set="overall")


def test_thirds_of_lesion_sizes_stay_in_the_tidy_scores():
    """A column is of all images; a measure that is better when lower says so."""
    found = replace(REAL, metric="recall@0.5", value=0.8)
    small = replace(found, value=0.1, stratum="small lesions")
    error = replace(REAL, metric="mae", value=0.05)
    table = build_table([{**manifest(), "columns": ["recall@0.5", "mae"]}], [found, small, error])
    (line,) = shown(table)
    assert (line["a recall@0.5"], line["a mae"]) == ("0.800", "0.050")
    assert [column.arrow for column in table.columns if column.title.startswith("a ")] == ["↑", "↓"]


def test_what_all_lines_share_is_said_below():
    """A terminal has no column for it."""
    changed = [replace(row, settings="s.x=1") for row in (REAL, MADE)]
    assert "all lines: s.x=1" in build_table([manifest()], changed).notes
    assert not any("all lines" in note for note in build_table([manifest()], [REAL, changed[1]]).notes)
    assert not any("all lines" in note for note in build_table([manifest()], [REAL, MADE]).notes)


def test_a_line_for_each_generator_and_segmenter():
    lines = shown(build_table([manifest()], [SET, REAL, overall(REAL), MADE, overall(MADE)]))
    assert [(line["generator"], line["FD"], line["a mdice@256"]) for line in lines] == [
        ("none (real only)", "–", "0.500"),
        ("g", "12.5000", "0.700"),
    ]
    assert lines[1]["overall mdice@256"] == "0.700 [0.400, 0.600]"


def test_the_cells_say_where_they_come_from():
    table = build_table([manifest()], [MADE])
    assert [cell.sources for cell in table.rows[0] if cell.value is not None] == [("segscore/g",)]


def test_a_set_without_a_segmenter_keeps_a_line():
    lines = shown(build_table([manifest()], [SET]))
    assert [(line["generator"], line["row"], line["FD"]) for line in lines] == [("g", "none (g)", "12.5000")]


def test_rows_are_named_with_their_pairs_and_updates():
    """In a terminal too, where lines differ in their updates; without any count there is no column."""
    rows = [replace(REAL, pairs=5, updates=10), replace(MADE, pairs=10, updates=20)]
    table = build_table([manifest()], rows)
    assert [(line["row"], line["pairs"], line["updates"]) for line in shown(table)] == [
        ("real", "5", "10"),
        ("real+g", "10", "20"),
    ]
    assert "updates" in shown(table.brief())[0]
    assert "updates" not in shown(build_table([manifest()], [replace(row, updates=10) for row in rows]).brief())[0]
    assert "updates" not in shown(build_table([manifest()], [REAL, MADE]))[0]


def test_other_parameters_are_other_lines():
    """Same generator, same segmenter, other options: neither the set's scores nor the tests' are mixed."""
    other = {"settings": "g.x=1", "set_settings": "g.x=1", "synthetic": "set 2"}
    rows = [SET, MADE, replace(SET, value=3.0, **other), replace(MADE, value=0.9, line="g2", **other)]
    lines = shown(build_table([manifest()], rows))
    assert [(line["settings"], line["FD"], line["a mdice@256"]) for line in lines] == [
        ("", "12.5000", "0.700"),
        ("g.x=1", "3.0000", "0.900"),
    ]


def test_a_set_compared_with_other_images_is_another_line():
    """Of two runs of one set each shows its own measures, whichever comes first, trained on or not."""
    other = {"settings": "reference=test", "set_settings": "reference=test"}
    again = replace(SET, value=30.0, **other)
    for rows in ([SET, again], [again, SET]):
        for lines in ([MADE, replace(MADE, **other)], [MADE], []):
            found = {line["settings"]: line["FD"] for line in shown(build_table([manifest()], [*rows, *lines]))}
            assert found == {"": "12.5000", "reference=test": "30.0000"}


def test_without_options_there_is_no_column_for_them():
    assert "settings" not in shown(build_table([manifest()], [MADE]))[0]


def test_a_warning_that_sets_share_stands_once_with_their_names():
    rows = [replace(SET, generator=name, note=note) for name, note in (("g", "few"), ("h", "few"), ("i", "many"))]
    notes = build_table([manifest()], [*rows, replace(SET, note="few", stratum="small lesions"), MADE]).notes
    assert [note for note in notes if note.startswith("FD of")] == ["FD of g, h: few", "FD of i: many"]


def test_a_warning_of_one_of_two_references_names_it():
    other = {"settings": "reference=test", "set_settings": "reference=test"}
    notes = build_table([manifest()], [replace(SET, note="few"), replace(SET, note="many", **other)]).notes
    assert [note for note in notes if note.startswith("FD of")] == ["FD of g: few", "FD of g (reference=test): many"]


def test_headline_measures_of_whole_sets_stand_on_the_board():
    """The rest (reference values, thirds by lesion size) is in the table of sets and the tidy one."""
    rows = [SET, replace(SET, metric="recall", headline=False), replace(SET, value=99.0, stratum="small lesions"), MADE]
    (line,) = shown(build_table([manifest()], rows))
    assert "recall" not in line
    assert line["FD"] == "12.5000"


def test_a_terminal_shows_the_first_two_measures_of_a_set():
    """Five with their intervals are wider than a screen; files have them all."""
    names = ("FD", "KD", "cosine", "perceptual", "MMD")
    made = [SET, *(replace(SET, metric=name, value=0.0395, low=0.031, high=0.048) for name in names[1:])]
    tests = ("CVC-300", "CVC-ClinicDB", "CVC-ColonDB", "ETIS-LaribPolypDB", "Kvasir", "overall")
    table = build_table([manifest()], [*made, *(replace(MADE, test_set=test) for test in tests)])
    assert [column.name for column in table.columns if column.name in names] == list(names)
    assert [column.name for column in table.brief().columns if column.name in names] == ["FD", "KD"]
    lines = to_text(table.brief()).splitlines()
    assert max(len(line) for line in lines) <= 150


def test_differences_beyond_their_noise_stand_below():
    found = Difference("FD", "g", "h", 3.0, 1.0, 5.0, "jackknife", 9, True)
    assert "FD: g above h by 3.0000 [1.0000, 5.0000]" in build_table([manifest()], [MADE], [found]).notes


def test_an_absent_test_set_is_shown_as_absent_and_a_failed_one_as_a_dash():
    table = build_table([manifest(absent=["test/b"])], [REAL, replace(REAL, test_set="c"), MADE])
    lines = shown(table)
    assert [line["b mdice@256"] for line in lines] == ["absent", "absent"]
    assert [line["c mdice@256"] for line in lines] == ["0.500", "–"]


def test_overall_comes_last():
    names = [column.title for column in build_table([manifest(absent=["test/b"])], [overall(REAL), REAL]).columns]
    assert names[-3:] == ["a mdice@256", "b mdice@256", "overall mdice@256"]


def test_what_a_reader_must_know_stands_below_once():
    table = build_table([manifest(), manifest()], [replace(SET, note="few images"), MADE])
    assert len(table.notes) == len(set(table.notes))
    text = "\n".join(table.notes)
    for part in (
        "a note",
        "FD of g: few images",
        "5 training pairs",
        "a 9",
        "95 % intervals",
        "1 seed: training noise",
    ):
        assert part in text
    assert "1 seed" not in "\n".join(build_table([manifest()], [replace(MADE, seeds=3)]).notes)


def test_only_scores_that_tie_with_the_best_are_bold():
    """And the note says what bold means; without any there is nothing to say."""
    rows = [SET, REAL, MADE, replace(MADE, test_set="c")]
    table = build_table([manifest()], rows, ties={("g", "a", "mdice@256")})
    bold = [cell.value for line in table.rows for cell in line if cell.bold]
    assert bold == [0.7]
    assert any(note.startswith("bold (in a terminal") for note in table.notes)
    assert not any(note.startswith("bold") for note in build_table([manifest()], rows).notes)
