"""A griffe extension: doctests of a docstring become a code block. As plain Markdown, `x[0]` would be a link."""

import itertools
from typing import Any

from griffe import Extension, Object


class Doctests(Extension):
    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring and ">>> " in obj.docstring.value:
            obj.docstring.value = "\n\n".join(map(_fenced, obj.docstring.value.split("\n\n")))


def _fenced(paragraph: str) -> str:
    lines = paragraph.splitlines()
    text = list(itertools.takewhile(lambda line: not line.startswith(">>> "), lines))
    code = lines[len(text) :]
    return "\n".join([*text, "", "```pycon", *code, "```"] if code else text)
