"""Official checkpoints in small, as files."""

from pathlib import Path

import torch
from transformers import BertTokenizer


def save_official(path: Path, state: dict[str, torch.Tensor], **others) -> Path:
    torch.save({"model": state, **others}, path)
    return path


def save_tokenizer(folder: Path, words: list[str]) -> Path:
    """Save BERT's tokenizer with a vocabulary, in id order."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder
