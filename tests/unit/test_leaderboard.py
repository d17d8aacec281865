"""Score rows -> the wide table: which lines, which columns, what is said below."""

from dataclasses import replace

from bench.leaderboard import build_table
from bench.results import ScoreRow
from bench.table import show

REAL = ScoreRow("d", "f" * 12, "none", "real", "real", "s", "a", "mdice@256", 0.5, 0.4, 0.6, 9, 1, None, "demo", "",
                "segscore/r", "higher", line="r")  # fmt: skip
MADE = replace(REAL, generator="g", row="real+g", value=0.7, record="segscore/g", line="g", synthetic="set")
SET = replace(MADE, row="", segmenter="", test_set="", metric="FD", value=12.5, low=None, high=None,
              n=8, better="lower", line="")  # fmt: skip


def manifest(**changes):
    data = {"name": "d", "fingerprint": "f" * 64, "pairs": {"train": 5, "test/a": 9}, "absent": [], **changes}
    return {"dataset": data, "columns": ["mdice@256"], "notes": ["a note"], "seed": 0, "reference": "train"}


def shown(table):
    return [
        {c.title: show(cell, c) for c, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]  # fmt: skip


def overall(row):
    return replace(row, test_set="overall")


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
    assert [(line["generator"], line["segmenter"], line["FD"]) for line in lines] == [("g", "", "12.5000")]


def test_other_parameters_are_other_lines():
    """Same generator, same segmenter, other options: neither the set's scores nor the tests' are mixed."""
    other = {"settings": "g.x=1", "synthetic": "set 2"}
    rows = [SET, MADE, replace(SET, value=3.0, **other), replace(MADE, value=0.9, line="g2", **other)]
    lines = shown(build_table([manifest()], rows))
    assert [(line["settings"], line["FD"], line["a mdice@256"]) for line in lines] == [
        ("", "12.5000", "0.700"),
        ("g.x=1", "3.0000", "0.900"),
    ]


def test_without_options_there_is_no_column_for_them():
    assert "settings" not in shown(build_table([manifest()], [MADE]))[0]


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
