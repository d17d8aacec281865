"""`python -m bench`."""

import sys


def main() -> None:
    """The command line, with the process's exit code."""
    from bench.progress.interrupt import watch

    watch()
    from bench.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
