"""How the code is written, where a formatter does not see it. Each test lists the offenders."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("bench", "generators", "metrics", "segmenters", "examples")
POSITIONAL = 6
"""Arguments of a call that may go without their names: two swapped neighbours of one type pass every check."""
FIELDS = 4
"""Fields of a dataclass that may be given by their place."""
LONGEST = 60
"""Lines of a function below its docstring."""
DOCUMENTED = 0.95


@pytest.fixture(scope="module")
def trees():
    found = {
        path: ast.parse(path.read_text(encoding="utf-8")) for room in ROOMS for path in (ROOT / room).rglob("*.py")
    }
    assert len(found) > 200
    return {str(path.relative_to(ROOT)): tree for path, tree in found.items()}


def every(trees, *kinds):
    return [(path, node) for path, tree in trees.items() for node in ast.walk(tree) if isinstance(node, kinds)]


def test_no_call_has_more_arguments_by_place_than_a_reader_can_tell_apart(trees):
    many = [f"{path}:{call.lineno}" for path, call in every(trees, ast.Call) if len(call.args) > POSITIONAL]
    assert many == []


def test_a_dataclass_of_many_fields_is_given_them_by_name(trees):
    assert [f"{path}: {cls.name}" for path, cls in every(trees, ast.ClassDef) if takes_many_by_place(cls)] == []


def takes_many_by_place(cls):
    decorator = next((ast.unparse(one) for one in cls.decorator_list if "dataclass" in ast.unparse(one)), "kw_only")
    fields = [one for one in cls.body if isinstance(one, ast.AnnAssign) and is_given(one)]
    by_place = [one for one in fields if not is_named_only(one, fields)]
    return "kw_only" not in decorator and len(by_place) > FIELDS


def is_given(field):
    return "ClassVar" not in ast.unparse(field.annotation) and "init=False" not in ast.unparse(field)


def is_named_only(field, fields):
    marker = next((at for at, one in enumerate(fields) if ast.unparse(one.annotation) == "KW_ONLY"), len(fields))
    return fields.index(field) >= marker


def test_no_function_is_longer_than_a_screen(trees):
    functions = every(trees, ast.FunctionDef, ast.AsyncFunctionDef)
    assert [f"{path}: {one.name}" for path, one in functions if lines_below_docstring(one) > LONGEST] == []


def lines_below_docstring(function):
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.end_lineno - body[0].lineno + 1 if body else 0


def test_public_names_say_what_they_promise(trees):
    """An override may leave it to what it overrides."""
    classes = {cls.name: cls for _, cls in every(trees, ast.ClassDef)}
    names = [one for path, tree in trees.items() if not is_private(path) for one in public(path, tree.body, None)]
    silent = [f"{path}: {node.name}" for path, node, owner in names if not is_documented(node, owner, classes)]
    assert 1 - len(silent) / len(names) >= DOCUMENTED, silent


def is_private(path):
    return any(part.startswith("_") and part != "__init__.py" for part in Path(path).parts)


def public(path, body, owner):
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield path, node, owner
            if isinstance(node, ast.ClassDef):
                yield from public(path, node.body, node)


def is_documented(node, owner, classes):
    if ast.get_docstring(node):
        return True
    bases = [ast.unparse(base).rpartition(".")[2] for base in owner.bases] if owner else []
    return any(name in classes and promises(classes[name], node.name, classes) for name in bases)


def promises(cls, name, classes):
    own = [one for one in cls.body if isinstance(one, ast.FunctionDef) and one.name == name]
    return any(is_documented(one, cls, classes) for one in own) or any(
        promises(classes[base], name, classes) for base in map(ast.unparse, cls.bases) if base in classes
    )
