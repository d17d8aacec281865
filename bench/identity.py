"""Identity: canonical JSON, keys and seeds. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SCHEMA = 2
"""Version of what goes into a key; raising it makes every stored artefact unknown."""


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def key(identity: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(identity).encode()).hexdigest()


def derive_seed(base: int, repeat: int, stage: str, plugin: str) -> int:
    """A seed in [0, 2**63) that no unrelated option changes."""
    digest = hashlib.sha256(canonical([base, repeat, stage, plugin]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
