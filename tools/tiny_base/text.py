"""The tiny base's tokenizer (bytes as CLIP's own, no merges but frequent words) and its text encoder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

LENGTH = 16
WIDTH = 64


def _byte_letters() -> list[str]:
    """The 256 printable letters by which CLIP's byte-pair encoding writes bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)]


def _word_merges(words: Sequence[str]) -> list[tuple[str, str]]:
    """Merges that build each word from its letters, left to right, each pair once."""
    merges: dict[tuple[str, str], None] = {}
    for word in words:
        left = word[0]
        for letter in [*word[1:-1], f"{word[-1]}</w>"] if len(word) > 1 else []:
            merges[(left, letter)] = None
            left += letter
    return list(merges)


def save_tokenizer(folder: Path, captions: Sequence[str]) -> CLIPTokenizer:
    """Any string tokenises: words of the captions by merges, the rest by bytes."""
    words = sorted({word.strip(".") for caption in captions for word in caption.lower().split()})
    letters = _byte_letters()
    merges = _word_merges(words)
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocabulary = dict.fromkeys([*pieces, "<|startoftext|>", "<|endoftext|>"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)]) + "\n")
    tokenizer = CLIPTokenizer(
        vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=LENGTH
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_text_encoder(tokenizer: CLIPTokenizer, seed: int) -> CLIPTextModel:
    """Two layers, 64 wide; it learns together with the U-Net."""
    torch.manual_seed(seed)
    shape = {"hidden_size": WIDTH, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), max_position_embeddings=LENGTH, projection_dim=WIDTH, **shape, **ends
    )
    return CLIPTextModel(config)
