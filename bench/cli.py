"""Argument parsing: a command's module is imported only when that command is chosen."""

from __future__ import annotations

import importlib
import signal
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench.commands._parser import Parser
from bench.errors import BenchError, did_you_mean
from bench.progress import interrupt, terminal
from bench.progress.terminal import say, show
from bench.version import __version__

COMMANDS = {
    "run": "train generators, sample, score, train segmenters, test, print the leaderboard",
    "evaluate": "score folders of synthetic images against a folder of real ones",
    "score": "score probability maps made elsewhere against true masks, in every convention",
    "controls": "certify the suite: controls whose truth is known, and what had to happen to their numbers",
    "power": "plan repeats and test images for a difference that is to be seen",
    "worth": "how many real images a synthetic set stands for, read on the learning curve of real ones",
    "leaderboard": "render the leaderboard again from stored records",
    "import-checkpoint": "turn a method's published weights into a folder to sample from",
    "list": "all plugins by kind",
    "show": "what a plugin is, needs and can be set to",
    "doctor": "what is installed, which weights and data are present, what to do",
}


def run(argv: Sequence[str]) -> int:
    """Exit code: 0 done, 1 a fault of ours or of a plugin, 2 the user's, 130 interrupted, 143 terminated."""
    terminal.replace_unknown_letters()
    code: int | None = None
    error: BaseException | None = None
    try:
        with interrupt.heeding():
            with terminal.results_alone():
                code = _dispatch(argv)
            terminal.finish()
    except BaseException as raised:
        error = raised
    # First of all: a library may have made another error of the interrupt, or have swallowed it.
    number = interrupt.asked() or (signal.SIGINT if isinstance(error, KeyboardInterrupt) else None)
    if number is not None:
        say(interrupt.LINES[signal.Signals(number)])
        return 128 + number
    if error is not None:
        return _tell(error)
    assert code is not None
    return code


def _tell(error: BaseException) -> int:
    """Print what went wrong: a line for what the reader can mend, a traceback for a fault of the suite."""
    if isinstance(error, BenchError):
        say(f"bench: {error}")
        return 2
    from bench.files.atomic import storage_error
    from bench.plugins.faults import located, own_line

    message = storage_error(error, Path.cwd()) if isinstance(error, OSError) else None
    if message is not None:
        say(f"bench: {message}")
        return 2
    if own_line(error) is None:
        say("".join(traceback.format_exception(error)))
    else:
        say(f"bench: {located(error)}; mend the plugin")
    return 1


def _refuse_other_encodings(argv: Sequence[str]) -> None:
    """A name that is not UTF-8 could be written into no table."""
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise BenchError(f"{word}: the name is not UTF-8; rename the file or folder") from None


def _dispatch(argv: Sequence[str]) -> int:
    _refuse_other_encodings(argv)
    if not argv or argv[0] in ("-h", "--help"):
        show(_overview())
        return 0
    if argv[0] == "--version":
        show(__version__)
        return 0
    if argv[0] not in COMMANDS:
        raise BenchError(f"unknown command {argv[0]!r}{did_you_mean(argv[0], COMMANDS)}")
    command = importlib.import_module(f"bench.commands.{argv[0].replace('-', '_')}")
    parser = Parser(f"python -m bench {argv[0]}", command.__doc__)
    command.add_arguments(parser)
    try:
        args = parser.parse(argv[1:])
    except SystemExit:
        # --help has been printed.
        return 0
    return command.run(args)


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
