"""Tables that are replaced together."""

from bench.report.files import page_names, replace_files


def test_what_an_earlier_call_left_and_this_one_has_not_is_removed(tmp_path):
    names = ["one.csv", *page_names("one"), *page_names("two")]
    replace_files(tmp_path, {name: "old" for name in names}, names)
    (tmp_path / "mine.txt").write_text("kept")
    assert replace_files(tmp_path, {"one.csv": "new", "one.md": "new"}, names) == [
        tmp_path / "one.csv",
        tmp_path / "one.md",
    ]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "one.csv": "new", "one.md": "new", "mine.txt": "kept",
    }  # fmt: skip
