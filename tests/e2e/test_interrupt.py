"""Ctrl-C ends in one line and exit code 130 wherever it strikes, SIGTERM with 143; the same command resumes."""

import signal
import subprocess
import sys

import pytest

from tests.e2e.conftest import ROOT, TOY_RUN, Done, listen_to_interrupts, made
from tests.e2e.test_resume import Work, once

LINES = {
    signal.SIGINT: "bench: interrupted; the same command resumes",
    signal.SIGTERM: "bench: terminated; the same command resumes",
}

PLUGIN = '''
"""A generator that sends its own process a signal, at one of several places."""

import os
import signal
import sys

from bench.contracts import Generator
from bench.images import load_rgb, save_png


def strike():
    os.kill(os.getpid(), signal.{name})
    for _ in range(1000):
        pass


class Striking(Generator):
    """Copies."""

    version = 1

    def __init__(self, params):
        super().__init__(params)
        if {place!r} == "init":
            strike()

    def sample(self, conditions, model_dir, out, ctx):
        if {place!r} == "progress":
            with ctx.progress.bar(2, "step") as bar:
                Forgetful()
                bar.update()
                save_png(out.parent.parent / "went_on.png", load_rgb(conditions[0].image))
        if {place!r} == "turned":
            turned()
        if {place!r} == "destructor":
            Forgetful()
        for one in conditions:
            save_png(out / "images" / f"{{one.id}}.png", load_rgb(one.image))
        if {place!r} == "clean-up":
            try:
                strike()
            finally:
                strike()


class Forgetful:
    def __del__(self):
        strike()


def show(text, write=sys.__stdout__.write):
    if "Synthetic sets" in text:
        strike()
    return write(text)


def turned():
    try:
        strike()
    except BaseException as error:
        raise {error} from error


if {place!r} == "import":
    strike()
if {place!r} == "import-turned":
    turned()
if {place!r} == "results":
    sys.__stdout__.write = show
'''


@pytest.fixture
def struck(bench, process, discs, tmp_path):
    """A run of the plugin above; where it is told to, it struck, in a process of its own."""

    def run(place, name, error="RuntimeError('interrupted?')"):
        path = tmp_path / "striking.py"
        path.write_text(PLUGIN.format(place=place, name=name, error=error))
        words = [*TOY_RUN, "--dataset", "folder", "--data", discs, "--results", tmp_path / "results"]
        start = bench if place == "nowhere" else process
        return start("run", *words, "--plugin", path, "--generator", "striking")

    return run


def one_line(done: Done, number: int) -> None:
    assert done.code == 128 + number, done.err
    line = LINES[number].strip()
    assert done.error.strip() == line
    assert done.lines.count(line) == 1, done.err
    assert "Traceback" not in done.err


INTERRUPTED = ("import", "import-turned", "init", "destructor", "progress", "clean-up")


@pytest.mark.parametrize(("place", "name"), [*((place, "SIGINT") for place in INTERRUPTED), ("results", "SIGTERM")])
def test_a_signal_is_answered_wherever_it_strikes(struck, tmp_path, place, name):
    """Also where a library prints and forgets it, or, in `import-turned` and the test below, makes another error."""
    done = struck(place, name)
    one_line(done, signal.Signals[name])
    assert not list((tmp_path / "results").rglob("went_on.png"))
    assert (tmp_path / "results" / "tables").exists() == (place == "results")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_same_command_resumes(struck, tmp_path, name):
    one_line(struck("turned", name), signal.Signals[name])
    assert not (tmp_path / "results" / "tables").exists()
    before = made(tmp_path / "results")
    assert before
    again = struck("nowhere", name)
    assert again.code == 0, again.err
    assert before.items() <= made(tmp_path / "results").items()


def test_an_interrupt_made_to_a_users_mistake_is_an_interrupt(struck):
    one_line(struck("turned", "SIGINT", "__import__('bench.errors').errors.BenchError('not readable')"), signal.SIGINT)


def test_a_terminated_run_says_how_to_go_on(tmp_path, bench, command, without_torch):
    work = Work(tmp_path, bench, command, without_torch)
    process = work.paused()
    process.send_signal(signal.SIGTERM)
    one_line(work.finish(process), signal.SIGTERM)
    work.pause.unlink()
    assert work.again().code == 0
    assert once(work.done())


EARLY = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "bench.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = ["bench", "--version"]
import atexit
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
from bench.__main__ import main
main()
"""


def start(code):
    words = [sys.executable, "-c", code]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, preexec_fn=listen_to_interrupts)


def test_ctrl_c_before_the_command_is_read_and_after_it_has_ended():
    done = start(EARLY)
    one_line(Done(done.returncode, done.stdout, done.stderr), signal.SIGINT)
    assert not done.stdout


def test_a_background_job_goes_on_ignoring_ctrl_c():
    code = EARLY.replace("import atexit", "signal.signal(signal.SIGINT, signal.SIG_IGN)")
    assert start(code.replace("atexit.register", "print")).returncode == 0


def test_the_python_interface_leaves_signals_alone():
    code = (
        "import signal, bench.workflows.evaluate, bench.cli; bench.cli.run(['--version']); print(signal.getsignal(2))"
    )
    assert "default_int_handler" in start(code).stdout


def test_a_forked_worker_answers_as_any_process():
    """Terminated by its parent it ends at once, and says nothing."""
    code = (
        "import multiprocessing, time; from bench.progress.interrupt import watch; watch()\n"
        "def work(): there.set(); time.sleep(60)\n"
        "fork = multiprocessing.get_context('fork'); there = fork.Event(); child = fork.Process(target=work)\n"
        "child.start(); there.wait(); child.terminate(); child.join(); print(child.exitcode)"
    )
    done = start(code)
    assert (done.stdout.strip(), done.stderr) == (str(-signal.SIGTERM), "")


def test_a_member_of_a_group_ends_at_once():
    """It may wait in C code, where Python answers no signal."""
    code = (
        "import os, signal; from bench.progress import interrupt; interrupt.watch(); interrupt.leave_termination(); "
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    done = start(code)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
