"""What `tox -e METRIC` does in an environment that holds only what that metric needs.

Without options it runs the metric's contract, golden and direction tests; with `--real DIR --fake DIR …` it computes
the metric, as `python -m bench evaluate --metric METRIC` does. Other options go to pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOGETHER = {"extras": ("prdc", "vendi", "copying", "alignment")}
"""Environments of more than one metric."""
TRAINED = ("alignment",)
"""Not computed from two folders alone: it trains a segmenter, which `evaluate --metric` does when asked."""


def commands(environment: str, options: list[str]) -> list[str]:
    """The command line for the environment's metrics."""
    names = TOGETHER.get(environment, (environment,))
    if "--real" in options or "--fake" in options:
        asked = [part for name in names if name not in TRAINED for part in ("--metric", name)]
        return [sys.executable, "-m", "bench", "evaluate", *asked, *options]
    golden = [f"tests/golden/test_{name.replace('-', '_')}.py" for name in names]
    chosen = " or ".join([*(f"metric-{name}" for name in names), *(Path(path).stem for path in golden)])
    return [sys.executable, "-m", "pytest", "-k", chosen, "tests/contract/test_metrics.py", *golden, *options]


if __name__ == "__main__":
    sys.exit(subprocess.call(commands(sys.argv[1], sys.argv[2:])))
