"""README and docs: every command parses, every name and option exists, code runs, links lead somewhere."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.cli import COMMANDS, run
from bench.commands._parser import Parser
from bench.errors import BenchError
from bench.plugins.overrides import parse_overrides, resolve, resolve_section
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from bench.plugins.sections import SECTIONS
from bench.version import __version__
from tests.conftest import make_pairs

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SNIPPET = re.compile(r'--8<-- "(.+?)"')
KINDS = {"dataset", "generator", "metric", "segmenter"}


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of every fenced block."""
    return [(name, found[2]) for name, text in TEXTS.items() for found in BLOCK.finditer(text) if found[1] == language]


def joined(text: str) -> str:
    """Without line breaks inside a command."""
    return re.sub(r"\\\n\s+", "", text)


def commands_of(line: str) -> list[list[str]]:
    """The words behind each `-m bench` of a shell line."""
    words = [shlex.split(part) for part in line.split("&&")]
    return [part[part.index("bench") + 1 :] for part in words if "bench" in part]


COMMAND_LINES = sorted(
    {line for _, text in blocks("bash") for line in joined(text).splitlines() if "-m bench" in line}
    | {code for text in TEXTS.values() for code in re.findall(r"`(python -m bench [^`]+)`", text)}
)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """What the command itself makes of its words. Raises BenchError for an unknown command, option or choice."""
    if words[0] not in COMMANDS:
        raise BenchError(f"{words[0]} is no command")
    parser = Parser(words[0], None)
    importlib.import_module(f"bench.commands.{words[0].replace('-', '_')}").add_arguments(parser)
    return parser.parse(words[1:])


@pytest.fixture(scope="module")
def registry() -> Registry:
    """All plugins of the suite and of `examples/`."""
    return Registry(sorted((ROOT / "examples").glob("*.py")))


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_every_command_parses_and_names_what_exists(line, registry):
    for words in commands_of(line):
        asked = vars(parse(words))
        for kind in KINDS & set(asked):
            given = [asked[kind]] if isinstance(asked[kind], str) else asked[kind] or []
            for name in given:
                registry.source(kind, name)
        for path in asked.get("plugin", ()):
            assert (ROOT / path).is_file()


def test_every_page_has_been_read():
    """Commands are found in fenced blocks and between backticks."""
    assert len(COMMAND_LINES) > 30
    assert commands_of(COMMAND_LINES[0])


@pytest.mark.parametrize(
    "words",
    [
        ["rum"],
        ["run", "--generator", "siamese", "--datasets", "polyps"],
        ["run", "--generator", "siamese"],
        ["run", "--generator", "siamese", "--dataset", "polyps", "--masks", "rnd"],
        ["list", "plugins"],
    ],
)
def test_a_wrong_command_would_be_found(words):
    with pytest.raises(BenchError):
        parse(words)


SETTINGS = sorted({one for text in TEXTS.values() for one in re.findall(r"--set ([a-z][\w.-]*=[^\s`)]+)", text)})


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_has_a_field_and_a_fitting_value(setting, registry):
    demo = load_profile("demo")
    for one in parse_overrides([setting], registry, tuple(SECTIONS)):
        resolve(registry.load(one.kind, one.name), one.kind, one.name, demo, [one])
    for section in SECTIONS:
        resolve_section(section, demo, [setting])


def test_every_option_between_backticks_is_one_of_a_command(capsys):
    for command in COMMANDS:
        run([command, "--help"])
    known = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    for name, text in TEXTS.items():
        spans = re.findall(r"`(--[^`]+)`", BLOCK.sub("", text))
        options = {option for span in spans for option in re.findall(r"--[a-z][a-z-]*", span)}
        assert options <= known, name


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_python_compiles(page, text):
    compile(SNIPPET.sub(lambda found: (ROOT / found[1]).read_text(encoding="utf-8"), text), page, "exec")


def test_the_examples_are_those_of_the_docs():
    shown = {ROOT / name for text in TEXTS.values() for name in SNIPPET.findall(text)}
    assert shown == set((ROOT / "examples").glob("*.py"))
    assert f"```python\n{(ROOT / 'examples' / 'my_generator.py').read_text()}```" in TEXTS["README.md"]


@pytest.fixture(scope="module")
def two_folders(tmp_path_factory):
    """A folder with `real/` and `synthetic/`, each of twelve pairs."""
    folder = tmp_path_factory.mktemp("python")
    for seed, name in enumerate(("real", "synthetic")):
        make_pairs(folder / name, 12, seed=seed)
    return folder


@pytest.mark.parametrize("text", [text for _, text in blocks("python") if "bench.evaluate" in text])
def test_the_python_call_runs(text, two_folders, monkeypatch, capsys):
    monkeypatch.chdir(two_folders)
    monkeypatch.setenv("TORCH_HOME", str(two_folders))  # Inception's weights would give the column another name.
    exec(text, {})
    assert len(capsys.readouterr().out.splitlines()[0].split()) == 3


@pytest.mark.parametrize("text", [text for _, text in blocks("toml")])
def test_toml_is_valid_and_a_profile_can_be_used(text, registry, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    if "run" in tomllib.loads(text):
        profile = load_profile(str(path))
        for kind, table in profile.tables.items():
            for name in table:
                resolve(registry.load(kind, name), kind, name, profile)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXTS[page.name]):
        assert (page.parent / target).is_file(), target


def test_environments_of_tox_and_paths_of_pytest_exist():
    known = (ROOT / "tox.ini").read_text(encoding="utf-8")
    texts = "\n".join(TEXTS.values())
    assert all(re.search(rf"testenv:[{{\w,-]*\b{name}\b", known) for name in re.findall(r"tox -e ([\w-]+)", texts))
    assert all((ROOT / path).is_dir() for path in re.findall(r"pytest (tests/\w+)", texts))


def test_citation_and_changelog_follow_the_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changes.index("## [Unreleased]") < changes.index(f"## [{__version__}]")


def test_architecture_names_every_room_and_draws_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (rooms,) = (one["layers"] for one in contracts if one.get("containers") == ["bench"])
    names = {name.strip() for layer in rooms for name in layer.split("|")} - {"__main__"}
    drawn = (ROOT / "docs" / "images" / "rooms.svg").read_text(encoding="utf-8")
    assert {name for name in names if f"`bench/{name}`" not in TEXTS["architecture.md"]} == set()
    assert {name for name in names if f">{name}<" not in drawn} == set()


def test_the_readme_is_short_and_holds_the_two_commands():
    assert README.stat().st_size <= 8192
    assert "\npip install -e . && python -m bench run --generator siamese --dataset polyps\n" in TEXTS["README.md"]
    assert "\npip install tox && tox run-parallel\n" in TEXTS["README.md"]
