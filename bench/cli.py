"""Argument parsing: a command's module is imported only when that command is chosen."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from bench import __version__
from bench.errors import BenchError

COMMANDS = {
    "run": "train generators, sample, score, train segmenters, test, print the leaderboard",
    "evaluate": "score folders of synthetic images against a folder of real ones",
    "score": "score probability maps made elsewhere against true masks, in every convention",
    "leaderboard": "render the leaderboard again from stored records",
    "import-checkpoint": "turn a method's published weights into a folder to sample from",
    "list": "all plugins by kind",
    "show": "what a plugin is, needs and can be set to",
    "doctor": "what is installed, which weights and data are present, what to do",
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage text."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        known = [option for option in self._option_string_actions if option.startswith("--")]
        # Before anything that is missing: a misspelt option is why it is.
        for option in (word.partition("=")[0] for word in args if word.startswith("--")):
            if option not in known:
                from bench.registry import did_you_mean

                raise BenchError(f"{option}: unknown option{did_you_mean(option, known)}")
        values, unknown = self.parse_known_args(args, namespace)
        if unknown:
            raise BenchError(
                f"{unknown[0]}: not expected there; an option takes one value, and is repeated for several; "
                f"see {self.prog} --help"
            )
        return values

    def error(self, message: str) -> NoReturn:
        raise BenchError(f"{message}; see {self.prog} --help")


def run(argv: Sequence[str]) -> int:
    """Exit code: 0 done, 1 our fault, 2 the user's, 130 interrupted."""
    try:
        code = _dispatch(argv)
        sys.stdout.flush()
        return code
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain about it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        from bench.files import storage_error

        message = storage_error(error, Path.cwd())
        if message is None:
            raise
        print(f"bench: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted; the same command resumes", file=sys.stderr)
        return 130


def _dispatch(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if argv[0] == "--version":
        print(__version__)
        return 0
    if argv[0] not in COMMANDS:
        from bench.registry import did_you_mean

        raise BenchError(f"unknown command {argv[0]!r}{did_you_mean(argv[0], COMMANDS)}")
    command = importlib.import_module(f"bench.commands.{argv[0].replace('-', '_')}")
    parser = Parser(prog=f"python -m bench {argv[0]}", description=command.__doc__, allow_abbrev=False)
    command.add_arguments(parser)
    return command.run(parser.parse_args(argv[1:]))


def _overview() -> str:
    lines = [f"  {name:18} {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: python -m bench COMMAND [options]",
            "",
            "Benchmark and evaluation suite for mask-conditioned medical image generators.",
            "",
            *lines,
            "",
            "python -m bench COMMAND --help lists a command's options.",
        ]
    )
