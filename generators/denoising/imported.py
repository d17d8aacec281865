"""What generators say of weights that their authors published and a user has imported, in place of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HELP = "folder of import-checkpoint, sampled as it is: nothing is trained"
NEXT = "sample from it: python -m bench run … --set NAME.checkpoint=DIR"


def missing_import(folder: Path, absent: Sequence[str]) -> tuple[str, ...]:
    """A line where the folder lacks something; none where nothing is absent."""
    if not absent:
        return ()
    what = f"lacks {', '.join(absent)}" if folder.is_dir() else "no such folder"
    remedy = "make it with python -m bench import-checkpoint FILE --generator NAME --out DIR"
    return (f"checkpoint {folder}: {what}; {remedy}",)


def import_note(folder: Path) -> str:
    """For the reader of a table."""
    return f"sampled from the imported checkpoint {folder.name}: what it was trained on is not known here"


def as_it_is(checkpoint: str) -> str:
    """In place of what is trained."""
    return f"nothing is trained, {checkpoint} is sampled as it is"


def leave_untrained(checkpoint: str, model_dir: Path) -> None:
    """What stands where a trained model would."""
    (model_dir / "README.txt").write_text(f"{as_it_is(checkpoint)}\n", "utf-8", "backslashreplace")
