"""Scores -> the wide table: which rows, which columns, what is said below."""

from bench.analysis.estimate import Estimate
from bench.analysis.set_differences import SetDifference
from bench.analysis.verdicts import Spot
from bench.contracts import Measure
from bench.report.leaderboard import MOST, build_table, reading_notes
from bench.report.render import to_text
from bench.report.table import show
from bench.store.run_manifest import Note
from tests.score_examples import manifest, row_score, set_score, trained_row

MADE = {"trained_on": "real+g", "generator": "g", "key": "g", "synthetic": ("set",)}


def real(value=0.5, low=0.4, high=0.6, score=None, **changes):
    """A score of the row trained on the real images; `score`: what is not of the row."""
    return row_score(trained_row(**changes), value, low, high, **(score or {}))


def made(value=0.7, low=0.4, high=0.6, score=None, **changes):
    """The same of a row with a synthetic set."""
    return row_score(trained_row(**{**MADE, **changes}), value, low, high, record="segscore/g", **(score or {}))


def board(*scores, run=None, **others):
    """`scores`: of rows, and of the sets where they have a measure."""
    sets = [one for one in scores if hasattr(one, "measure")]
    rows = [one for one in scores if not hasattr(one, "measure")]
    return build_table([run or manifest(notes=(Note("a note"),))], sets, rows, **others)


def shown(table):
    return [
        {c.title: str(show(cell, c)) for c, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]  # fmt: skip


OVERALL = {"test_set": "overall"}


def test_thirds_of_lesion_sizes_stay_in_the_tidy_scores():
    """A column is of all images; a measure that is better when lower says so."""
    found = [
        real(0.8, score={"metric": "recall@0.5"}),
        real(0.1, score={"metric": "recall@0.5", "stratum": "small lesions"}),
        real(0.05, score={"metric": "mae"}),
    ]
    table = board(*found, run=manifest(columns=("recall@0.5", "mae")))
    (line,) = shown(table)
    assert (line["a recall@0.5"], line["a mae"]) == ("0.800", "0.050")
    assert [column.arrow for column in table.columns if column.title.startswith("a ")] == ["↑", "↓"]


def test_what_all_rows_share_is_said_below():
    """A terminal has no column for it."""
    assert "all rows: s.x=1" in board(real(settings="s.x=1"), made(settings="s.x=1")).notes
    for scores in ((real(), made(settings="s.x=1")), (real(), made())):
        assert not any("all rows" in note for note in board(*scores).notes)


def test_a_row_for_each_generator_and_segmenter():
    rows = shown(board(set_score(), real(), real(score=OVERALL), made(), made(score=OVERALL)))
    assert [(row["generator"], row["FD"], row["a mdice@256"]) for row in rows] == [
        ("none (real only)", "–", "0.500"),
        ("g", "12.5000", "0.700"),
    ]
    assert rows[1]["overall mdice@256"] == "0.700 [0.400, 0.600]"


def test_the_cells_say_where_they_come_from():
    (row,) = board(made()).rows
    assert [cell.sources for cell in row if cell.number is not None] == [("segscore/g",)]


def test_a_set_without_a_segmenter_keeps_a_row():
    rows = shown(board(set_score()))
    assert [(row["generator"], row["trained on"], row["FD"]) for row in rows] == [("g", "none (g)", "12.5000")]


def test_rows_are_named_with_their_pairs_and_updates():
    """In a terminal too, where rows differ in their updates; without any count there is no column."""
    table = board(real(pairs=5, updates=10), made(pairs=10, updates=20))
    assert [(row["trained on"], row["pairs"], row["updates"]) for row in shown(table)] == [
        ("real", "5", "10"),
        ("real+g", "10", "20"),
    ]
    assert "updates" in shown(table.brief())[0]
    assert "updates" not in shown(board(real(updates=10), made(updates=10)).brief())[0]
    assert "updates" not in shown(board(real(), made()))[0]


def test_other_parameters_are_other_rows():
    """Same generator, same segmenter, other options: neither the set's scores nor the tests' are mixed."""
    other = {"settings": "g.x=1", "synthetic": "set 2"}
    scores = (set_score(), made(), set_score(value=3.0, **other), made(0.9, key="g2", set_settings="g.x=1", **other))
    assert [(row["settings"], row["FD"], row["a mdice@256"]) for row in shown(board(*scores))] == [
        ("", "12.5000", "0.700"),
        ("g.x=1", "3.0000", "0.900"),
    ]


def test_a_set_compared_with_other_images_is_another_row():
    """Of two runs of one set each shows its own measures, whichever comes first, trained on or not."""
    words = "reference=test"
    sets = [set_score(), set_score(value=30.0, settings=words)]
    again = made(settings=words, set_settings=words)
    for ordered in (sets, sets[::-1]):
        for rows in ([made(), again], [made()], []):
            found = {row["settings"]: row["FD"] for row in shown(board(*ordered, *rows))}
            assert found == {"": "12.5000", words: "30.0000"}


def test_a_control_is_marked_and_explained():
    """Trained on or not, in words that are below the table only where one is in it."""
    scores = (set_score(control=True), made(trained_on="real+g (control)", control=True))
    for found in (scores, scores[:1]):
        table = board(*found, run=manifest(unranked=("g",)))
        (line,) = shown(table)
        assert line["generator"] == "g (control)"
        assert line["trained on"].endswith("(control)") or line["trained on"] == "none (g (control))"
        assert any(note.startswith("(control): ") for note in table.notes)
    assert "(control)" not in str(board(set_score(), made()))


def test_without_options_there_is_no_column_for_them():
    assert "settings" not in shown(board(made()))[0]


def test_a_warning_that_sets_share_stands_once_with_their_names():
    sets = [set_score(generator=name, note=note) for name, note in (("g", "few"), ("h", "few"), ("i", "many"))]
    notes = board(*sets, set_score(note="few", stratum="small lesions"), made()).notes
    assert [note for note in notes if note.startswith("FD of")] == ["FD of g, h: few", "FD of i: many"]


def test_a_warning_of_one_of_two_references_names_it():
    notes = board(set_score(note="few"), set_score(note="many", settings="reference=test")).notes
    assert [note for note in notes if note.startswith("FD of")] == ["FD of g: few", "FD of g (reference=test): many"]


def test_headline_measures_of_whole_sets_stand_on_the_board():
    """The rest (reference values, thirds by lesion size) is in the table of sets and the tidy one."""
    sets = [set_score(), set_score("recall", headline=False), set_score(value=99.0, stratum="small lesions")]
    (row,) = shown(board(*sets, made()))
    assert "recall" not in row
    assert row["FD"] == "12.5000"


def test_a_terminal_shows_the_first_two_measures_of_a_set():
    """Five with their intervals are wider than a screen; files have them all."""
    names = ("FD", "KD", "cosine", "perceptual", "MMD")
    sets = [set_score(), *(set_score(name, 0.0395, 0.031, 0.048) for name in names[1:])]
    tests = ("CVC-300", "CVC-ClinicDB", "CVC-ColonDB", "ETIS-LaribPolypDB", "Kvasir", "overall")
    table = board(*sets, *(made(score={"test_set": test}) for test in tests))
    assert [column.name for column in table.columns if column.name in names] == list(names)
    assert [column.name for column in table.brief().columns if column.name in names] == ["FD", "KD"]
    lines = to_text(table.brief()).splitlines()
    assert max(len(line) for line in lines) <= 150


def test_differences_beyond_their_noise_stand_below():
    measure, estimate = Measure("FD", headline=True), Estimate(3.0, 1.0, 5.0)
    found = SetDifference(measure=measure, a="g", b="h", estimate=estimate, method="jackknife", n=9)
    assert "FD: g above h by 3.0000 [1.0000, 5.0000]" in board(made(), differences=[found]).notes


def test_differences_to_a_control_are_not_told():
    """Nor counted among those that were looked at; they stand in a file."""
    measure, estimate = Measure("FD", headline=True), Estimate(3.0, 1.0, 5.0)
    pairs = [
        SetDifference(measure=measure, a=a, b=b, estimate=estimate, method="jackknife", n=9)
        for a, b in (("g", "h"), ("c", "g"), ("g", "c"))
    ]
    plain, marked = (
        board(made(), differences=found, run=manifest(unranked=names)).notes
        for found, names in ((pairs[:1], ()), (pairs, ("c",)))
    )
    assert [note for note in marked if not note.startswith("(control)")] == list(plain)


def test_an_absent_test_set_is_shown_as_absent_and_a_failed_one_as_a_dash():
    rows = shown(board(real(), real(score={"test_set": "c"}), made(), run=manifest(absent=("test/b",))))
    assert [row["b mdice@256"] for row in rows] == ["absent", "absent"]
    assert [row["c mdice@256"] for row in rows] == ["0.500", "–"]


def test_overall_comes_last():
    table = board(real(score=OVERALL), real(), run=manifest(absent=("test/b",)))
    assert [column.title for column in table.columns][-3:] == ["a mdice@256", "b mdice@256", "overall mdice@256"]


def test_what_a_reader_must_know_stands_below_once():
    run = manifest(notes=(Note("a note"),))
    table = build_table([run, run], [set_score(note="few images")], [made()])
    assert len(table.notes) == len(set(table.notes))
    text = "\n".join(table.notes)
    for part in (
        "a note",
        "FD of g: few images",
        "5 training pairs",
        "a 9",
        "95 % intervals",
        "NOT generator training",
    ):
        assert part in text
    varied = board(made(repeats=3, varied=("sample", "segmenter")))
    said = "3 repeats: intervals contain test images, sampling, segmentation training; NOT generator training"
    assert said in varied.notes


def test_a_terminal_shows_five_notes_that_change_how_numbers_are_read():
    """Those of the run first, the weightiest of them first; what does not change it is in the files alone."""
    told = [Note(f"weighty {number}", True) for number in range(3)]
    run = manifest(notes=(*told, Note("a detail")))
    few = reading_notes([run], [made()], ["of rows"])
    assert few[:4] == (*(note.text for note in told), "of rows")
    assert len(few) == MOST == 5
    assert "a detail" not in few
    assert "a detail" in build_table([run], [set_score()], [made()]).notes


def test_only_scores_that_tie_with_the_best_are_bold():
    """And the note says what bold means; without any there is nothing to say."""
    scores = [set_score(), real(), made(), made(score={"test_set": "c"})]
    table = board(*scores, ties={Spot("g", "a", "mdice@256")})
    assert [cell.number.value for row in table.rows for cell in row if cell.bold] == [0.7]
    assert any(note.startswith("bold (in a terminal") for note in table.notes)
    assert not any(note.startswith("bold") for note in board(*scores).notes)
