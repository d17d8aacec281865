"""What a progress bar leaves on a terminal of a given width and in a log file."""

import contextlib
import fcntl
import io
import os
import re
import struct
import sys
import termios
import time

import pytest

from bench.progress import bars as progress
from bench.progress.bars import Terminal

PARTS = {"loss": 1.2345, "mask": 0.34567, "image": 0.00045678, "consistency": 0.012345, "augmented": 0.56789}
FEW = {"loss": 1.2345}


def show(numbers, total=360):
    with Terminal("[3/12] fit some-generator").bar(total, "step", done=60) as bar:
        for _ in range(3):
            time.sleep(0.25)
            bar.update(**numbers)


@contextlib.contextmanager
def terminal(columns, monkeypatch):
    """A pseudo-terminal in stderr's place; gives a function that reads the lines drawn so far, cursor moves removed."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(slave, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)

        def read():
            os.set_blocking(master, False)
            text = os.read(master, 1 << 16).decode()
            return [line for line in re.split(r"[\r\n]+", text.replace("\x1b[A", "\r")) if line.strip()]

        yield read
    os.close(master)


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("numbers", [FEW, PARTS], ids=["one", "five"])
def test_every_number_rate_and_time_left_fit_the_terminal(columns, numbers, monkeypatch):
    """On one line where there is room for a bar too, on a line of their own otherwise; never cut off."""
    with terminal(columns, monkeypatch) as read:
        show(numbers)
        lines = read()
    assert max(map(len, lines)) <= columns
    bars = [line for line in lines if "/360" in line and "60/360" not in line]
    assert re.search(r"6[123]/360 \[00:0\d<\d\d:\d\d, +[\d.]+step/s", bars[-1])
    written = "\n".join(lines)
    assert all(f"{name}={value:.3g}" in written for name, value in numbers.items())
    together = [line for line in bars if "loss=" in line]
    assert bool(together) == (columns == 200 or numbers is FEW)


def test_a_log_file_gets_whole_lines(monkeypatch):
    """No carriage return, no bar, nothing for what ends within the first interval."""
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    show(PARTS)
    assert log.getvalue() == "[3/12] fit some-generator: goes on at 60 of 360 steps\n"
    log.truncate(0)
    log.seek(0)
    monkeypatch.setattr(progress, "LOG_INTERVAL", 0.4)
    show(PARTS)
    lines = log.getvalue().splitlines()
    assert lines[1:]
    for line in lines[1:]:
        assert re.fullmatch(
            r"\[3/12\] fit some-generator: +17% 62/360 \[00:00<\d\d:\d\d, +[\d.]+step/s, loss=.*\]", line
        )
        assert all(f"{name}={value:.3g}" in line for name, value in PARTS.items())
    assert "\r" not in log.getvalue()


def test_a_line_stands_whole_beside_a_bar(monkeypatch):
    with terminal(100, monkeypatch) as read:
        shown = Terminal("[3/12] fit some-generator")
        with shown.bar(360, "step") as bar:
            bar.update(3)
            shown.say("made anew")
            time.sleep(0.25)
            bar.update(3)
        lines = read()
    assert "[3/12] fit some-generator: made anew" in lines
    assert any("6/360" in line for line in lines)
