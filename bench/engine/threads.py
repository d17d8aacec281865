"""How many threads torch computes with: as many as find a processor core of their own when a command begins.

A thread that shares its core with another program lets all others wait for it at every step: two threads beside a busy
program took up to 27 times as long as one. Sums over another number of threads differ in their last digits, so a
command that was killed goes on with the number it began with. Nothing that a user has set is changed.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files.atomic import write_atomic
from bench.identity import key
from bench.progress.terminal import say

NUMBER = "OMP_NUM_THREADS"
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
SPINS = "50000"
"""Turns of a waiting thread before it gives up its core. They cost a step on an idle machine nothing that can be
measured (10,000 cost a tenth). Beside a program that comes later they halve what the library's own 300,000 cost."""
WINDOW = 0.05
"""Seconds of a trial."""
ENOUGH = 0.8
"""Share of its time in which a thread must have run to count as having a core of its own."""
MACHINE = ("device", "workers")
"""Options by which a resumed command may differ from the one that was killed."""


def note_of(results: Path, options: Mapping[str, Any]) -> Path:
    """Where a command with these options keeps its number of threads until it has finished."""
    wanted = {name: str(value) for name, value in options.items() if name not in MACHINE}
    return results / "logs" / f"threads-{key(wanted)[:16]}"


def settle_threads(note: Path, keep: bool = True) -> None:
    """Set the environment before torch is imported. After a kill the number is that of `note`; with `keep` it is left
    there, to be deleted when the command has finished."""
    if not any(name in os.environ for name in WAITING):
        os.environ["GOMP_SPINCOUNT"] = SPINS
    if NUMBER in os.environ:
        return
    number = _kept(note) or free_threads(cores())
    if keep:
        write_atomic(note, str(number))
    if number < cores():
        os.environ[NUMBER] = str(number)
        say(f"note: others use this machine's cores: torch takes {number} of {cores()} ({NUMBER} sets another number)")


def _kept(note: Path) -> int:
    """0 where no command was killed."""
    if not note.is_file():
        return 0
    text = note.read_text(encoding="utf-8")
    if not text.isdecimal() or not int(text):
        raise BenchError(f"{note}: holds no number of threads; delete it")
    return int(text)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_threads(most: int) -> int:
    """`most`, or half of it, a quarter … down to 1: the first number of threads that all have a core to themselves."""
    count = most
    while count > 1 and min(shares(count, WINDOW)) < ENOUGH:
        count //= 2
    return count


def shares(count: int, seconds: float) -> list[float]:
    """Which part of its time each of so many busy threads really runs, side by side for so long."""
    found = [0.0] * count
    together = threading.Barrier(count)

    def work(number: int) -> None:
        block = bytes(2**20)
        together.wait()
        started, ran = time.perf_counter(), time.thread_time()
        while time.perf_counter() - started < seconds:
            hashlib.sha256(block)  # lets the other threads run meanwhile
        found[number] = (time.thread_time() - ran) / (time.perf_counter() - started)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
