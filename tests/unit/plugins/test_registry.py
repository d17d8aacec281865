"""Names come from files, and an unknown name is answered with what exists."""

from pathlib import Path

import pytest

from bench.contracts import CONTRACTS
from bench.errors import BenchError
from bench.plugins.registry import ROOMS, Registry
from tests.conftest import refused

PLUGINS = Path(__file__).parents[2] / "plugins"


def test_every_contract_has_a_room():
    """A kind of plugin exists exactly when it has both a contract and a room."""
    assert set(CONTRACTS) == set(ROOMS)


def test_names_are_file_names():
    """copy_paste.py is `copy-paste`; files that begin with an underscore are no plugins."""
    names = Registry().names("generator")
    assert "copy-paste" in names
    assert not [name for name in names if name.startswith(("_", "-"))]


def test_a_plugin_may_be_a_folder(tmp_path, monkeypatch):
    """`polyp_pvt/plugin.py` is `polyp-pvt`, hashed with the whole room; a folder without that file is no plugin."""
    room = tmp_path / "room"
    for path in (room / "a_net", room / "shared"):
        path.mkdir(parents=True)
        (path / "__init__.py").touch()
    (room / "__init__.py").touch()
    (room / "a_net" / "plugin.py").write_text((PLUGINS / "toy_mirror.py").read_text())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(ROOMS, "generator", "room")
    registry = Registry()
    assert registry.names("generator") == ("a-net",)
    before = registry.source_hash("generator", "a-net")
    (room / "shared" / "network.py").write_text("x = 1\n")
    assert registry.source_hash("generator", "a-net") != before


def test_unknown_name_is_answered_with_a_suggestion():
    with pytest.raises(BenchError, match="unknown generator 'siamse'; did you mean siamese"):
        Registry().source("generator", "siamse")
    with pytest.raises(BenchError, match="did you mean kid"):
        Registry().source("metric", "KID")


def test_a_file_is_a_plugin_of_every_kind_it_defines():
    """One file may hold an extractor and the metric that uses it."""
    registry = Registry([PLUGINS / "toy_mean.py"])
    assert registry.kinds_of("toy-mean") == ("metric", "extractor")
    assert registry.load("metric", "toy-mean").__name__ == "ToyMean"


def test_plugin_file_errors_name_the_file(tmp_path):
    """Missing, broken and empty files are told apart."""
    broken, empty = tmp_path / "broken.py", tmp_path / "empty.py"
    broken.write_text("def (:\n")
    empty.write_text("x = 1\n")
    folder, other = tmp_path / "folder.py", tmp_path / "plugin.txt"
    folder.mkdir()
    other.write_text("x = 1\n")
    named = [(tmp_path / "no.py", "no such file"), (broken, "line 1"), (empty, "defines no"), (folder, "is a folder"),
             (other, "ends in .py")]  # fmt: skip
    for path, text in named:
        with pytest.raises(BenchError, match=text) as caught:
            Registry([path])
        assert str(path) in str(caught.value)


def test_a_class_that_leaves_something_out_is_told_what(tmp_path):
    """The file, the class and what it lacks, before anything is computed."""
    path = tmp_path / "half.py"
    path.write_text("from bench.contracts import Metric\n\nclass Half(Metric):\n    score = None\n")
    with pytest.raises(
        BenchError, match=r"half.py: metric Half lacks version, measures; python -m pydoc bench.contracts.Metric"
    ):
        Registry([path]).load("metric", "half")


@pytest.mark.parametrize(("line", "said"), [
    ('varies = "sample"', "varies='sample'; expected a tuple"),
    ('varies = ("sampel",)', "varies=('sampel',); expected a tuple"),
    ('version = "1"', "version='1'; expected a whole number"),
])  # fmt: skip
def test_a_declaration_that_would_be_taken_for_another_is_refused(tmp_path, line, said):
    """A misspelt source of randomness would be held fixed without a word."""
    path = tmp_path / "odd.py"
    path.write_text(
        f"from bench.contracts import Generator\n\nclass Odd(Generator):\n    version = 1\n    {line}\n"
        "    def sample(self, conditions, model_dir, out, ctx): ...\n"
    )
    refused(lambda: Registry([path]).load("generator", "odd"), str(path), said)


def test_the_name_of_nothing_is_refused(tmp_path):
    path = tmp_path / "none.py"
    path.write_text((PLUGINS / "toy_mirror.py").read_text())
    refused(lambda: Registry([path]), "none.py", "rename it")


def test_a_taken_name_is_refused(tmp_path):
    path = tmp_path / "copy_paste.py"
    path.write_text((PLUGINS / "toy_mirror.py").read_text())
    with pytest.raises(BenchError, match=r"copy_paste\.py is already defined by the suite; rename the file"):
        Registry([path])


def test_two_files_of_one_name_are_refused(tmp_path):
    """They would be one module: the first would lose its classes."""
    (tmp_path / "a").mkdir()
    one, two = tmp_path / "mine.py", tmp_path / "a" / "mine.py"
    one.write_text((PLUGINS / "toy_mirror.py").read_text())
    two.write_text((PLUGINS / "toy_mean.py").read_text())
    with pytest.raises(BenchError, match=f"--plugin {two}: {one} has that name too; rename one"):
        Registry([one, two])
    assert Registry([one, one]).kinds_of("mine") == ("generator",)


def test_two_classes_in_a_file_are_named(tmp_path):
    path = tmp_path / "twice.py"
    path.write_text("from bench.contracts import Metric\n\nclass A(Metric):\n    pass\n\nclass B(A):\n    pass\n")
    with pytest.raises(BenchError, match=rf"{path}: 2 metric classes \(A, B\); keep one"):
        Registry([path]).load("metric", "twice")


def raising(body):
    return f"import sys\n\ndef inner():\n    {body}\n\ninner()\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (raising("raise ValueError('bad\\nmore')"), 4, "ValueError: bad; mend the file"),
        (raising("unknown_name"), 4, "NameError: name 'unknown_name'"),
        (raising("inner()"), 4, "RecursionError: "),
        (raising("sys.exit(0)"), 4, "SystemExit: 0"),
        (raising("open('/nowhere/at/all')"), 4, "FileNotFoundError: "),
        (raising("raise BrokenPipeError(32, 'Broken pipe')"), 4, "BrokenPipeError: "),
        (raising("import json; json.loads('{')"), 4, "JSONDecodeError: "),
        ("x = 1\n\ndef (:\n", 3, "SyntaxError: "),
        ("import nowhere_at_all\n", 1, "ModuleNotFoundError: No module named 'nowhere_at_all'; install it"),
    ],
)
def test_whatever_a_plugin_raises_is_one_line_with_its_own_line(tmp_path, text, line, said):
    """The line is the file's own, not that of a library it calls."""
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(BenchError) as caught:
        Registry([path])
    assert str(caught.value).startswith(f"--plugin {path}: line {line}: {said}")
    assert "\n" not in str(caught.value)


def test_ctrl_c_while_a_plugin_is_imported_is_no_fault_of_it(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        Registry([path])


def test_the_hash_of_a_plugin_follows_its_bytes(tmp_path):
    """A file stands alone; a plugin in a package is hashed with the files around it."""
    path = tmp_path / "mine.py"
    hashes = set()
    for text in ("", "# other"):
        path.write_text((PLUGINS / "toy_mirror.py").read_text() + text)
        (tmp_path / "neighbour.py").write_text(text)
        hashes |= {Registry([path]).source_hash("generator", "mine") for _ in range(2)}
    assert len(hashes) == 2
    registry = Registry()
    one, other = (registry.source_hash("generator", name) for name in ("copy-paste", "folder"))
    assert one == other
