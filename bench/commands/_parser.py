"""argparse, which says what is wrong in one line and knows its options by name."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from bench.errors import BenchError
from bench.progress import terminal


class Group:
    """Options below a heading of `--help`."""

    def __init__(self, group: Any, options: list[str]) -> None:
        self._group, self._options = group, options

    def add_argument(self, *names: str, **meaning: Any) -> None:
        """As argparse's own."""
        self._options += names
        self._group.add_argument(*names, **meaning)


class Parser(argparse.ArgumentParser):
    """Raises BenchError, without the usage text, and says which option was probably meant."""

    def __init__(self, prog: str, description: str | None) -> None:
        self.options: list[str] = []
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def add_argument(self, *names: Any, **meaning: Any) -> argparse.Action:
        """As argparse's own."""
        self.options += names
        return super().add_argument(*names, **meaning)

    def group(self, title: str, description: str | None = None) -> Group:
        """A heading in `--help` and the options below it."""
        return Group(self.add_argument_group(title, description), self.options)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """BenchError for an option that is unknown, missing or has a value it cannot take."""
        known = [option for option in self.options if option.startswith("--")]
        # Before anything that is missing: a misspelt option is why it is.
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            if option not in known:
                raise BenchError(f"{option}: unknown option{self._meant(option, known)}")
        values, unknown = self.parse_known_args(words)
        if unknown:
            raise BenchError(
                f"{unknown[0]}: not expected there; an option takes one value, and is repeated for several; "
                f"see {self.prog} --help"
            )
        return values

    def print_help(self, file: Any = None) -> None:
        """As argparse's own, where a command's results go."""
        super().print_help(file or terminal.results())

    @staticmethod
    def _meant(option: str, known: Sequence[str]) -> str:
        """The dashes, which all have, make nothing alike."""
        plain = {name.removeprefix("--"): name for name in known}
        close = difflib.get_close_matches(option.removeprefix("--"), plain, n=1)
        if close:
            return f"; did you mean {plain[close[0]]}?"
        parameter = "; parameters of plugins are set with --set NAME.FIELD=VALUE" if "--set" in known else ""
        return f". Known: {', '.join(sorted(known))}{parameter}"

    def error(self, message: str) -> NoReturn:
        """In place of argparse's, which prints the usage and ends the process."""
        raise BenchError(f"{message}; see {self.prog} --help")
