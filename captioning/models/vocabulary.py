"""The words, or pieces of words, that a captioner reads and says.

Captions are cut into the words that the metrics compare, so that training and evaluation have the
same ones: no full stop is learnt that no metric counts. An LSTM's vocabulary is made of those of
the training captions and saved as `tokenizer.json`; a GPT-2 and a BLIP bring their own.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import Metaspace as MetaspaceDecoder
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import Metaspace, WhitespaceSplit
from tokenizers.trainers import BpeTrainer
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from captioning.metrics.words import caption_words
from captioning.models.losses import NO_TARGET
from captioning.models.paper import MIN_COUNT
from preprocess.base.errors import InputError

PAD, START, END, UNKNOWN = "<pad>", "<start>", "<end>", "<unk>"
SPECIAL = (PAD, START, END, UNKNOWN)


@dataclass(frozen=True)
class Vocabulary:
    """An HF tokenizer, and the ids that mark a caption's end and what is no word.

    Attributes:
        tokenizer: HF's.
        end_id: said at the end.
        unsaid: ids that are no part of a caption and are never said: padding, the beginning.
        unknown_id: of every word that is not in the vocabulary; None where there is no such.
        of_words: whether captions are first cut into the metrics' words.
    """

    tokenizer: PreTrainedTokenizerBase
    end_id: int
    unsaid: tuple[int, ...]
    unknown_id: int | None
    of_words: bool

    def __len__(self) -> int:
        return len(self.tokenizer)

    @property
    def sha256(self) -> str:
        """Return the hash of all entries in their order."""
        entries = self.tokenizer.convert_ids_to_tokens(list(range(len(self))))
        return hashlib.sha256("\n".join(entries).encode()).hexdigest()

    def encode(self, captions: Sequence[str]) -> list[list[int]]:
        """Return each caption's ids, without beginning and end; none of one without words."""
        if not captions:
            return []
        texts = [
            " ".join(caption_words(text) if self.of_words else text.split()) for text in captions
        ]
        found = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        # A caption may hold what looks like a special word.
        no_words = {*self.unsaid, self.end_id}
        other = [] if self.unknown_id is None else [self.unknown_id]
        return [[i for n in ids for i in ([n] if n not in no_words else other)] for ids in found]

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of ids; an unknown word is `<unk>`."""
        kept = [i for i in token_ids if i != self.end_id and i not in self.unsaid]
        text = self.tokenizer.decode(kept, clean_up_tokenization_spaces=False)
        return " ".join(str(text).split())

    def labels(self, captions: Sequence[str], max_tokens: int) -> Tensor:
        """Return targets: each caption's ids and the end, `NO_TARGET` after it.

        A caption of `max_tokens` or more is cut, and has no end, which comes later.

        Returns:
            (n, length) int64, of the longest, at most `max_tokens`.
        """
        return padded([[*ids, self.end_id][:max_tokens] for ids in self.encode(captions)])

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` and `tokenizer_config.json` into a folder."""
        self.tokenizer.save_pretrained(folder)


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return captions' ids as labels, `NO_TARGET` after each.

    Returns:
        (n, length) int64, of the longest, 1 at least.
    """
    labels = torch.full((len(rows), max([1, *map(len, rows)])), NO_TARGET)
    for row, ids in enumerate(rows):
        labels[row, : len(ids)] = torch.tensor(ids, dtype=labels.dtype)
    return labels


def build_word_vocabulary(captions: Iterable[str], min_count: int = MIN_COUNT) -> Vocabulary:
    """Make the vocabulary of all words that occur so often, by their first appearance.

    Raises:
        InputError: no word does.
    """
    counts = Counter(word for caption in captions for word in caption_words(caption))
    words = [word for word, n in counts.items() if n >= min_count and word not in SPECIAL]
    if not words:
        found = "; ".join(f"{word!r} {n} times" for word, n in counts.most_common(1)) or "no word"
        raise InputError(
            f"--min_count {min_count}: no word of the training captions occurs so often; the most "
            f"frequent: {found}"
        )
    entries = {word: number for number, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(WordLevel(entries, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return _wrapped(tokenizer)


def build_subword_vocabulary(captions: Iterable[str], size: int) -> Vocabulary:
    """Make a vocabulary of pieces of words, by byte-pair encoding: few words are unknown to it.

    Args:
        size: entries, special ones included; fewer where the captions have no more.
    """
    tokenizer = Tokenizer(BPE(unk_token=UNKNOWN))
    # A mark at a word's beginning is a letter like others; by a suffix, ties between pieces would
    # be broken differently from run to run.
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.decoder = MetaspaceDecoder()
    texts = (" ".join(caption_words(caption)) for caption in captions)
    trainer = BpeTrainer(vocab_size=size, special_tokens=[*SPECIAL], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return _wrapped(tokenizer)


def _wrapped(tokenizer: Tokenizer) -> Vocabulary:
    return of_words(
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer,
            pad_token=PAD,
            bos_token=START,
            eos_token=END,
            unk_token=UNKNOWN,
        )
    )


def of_words(tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    """Return the vocabulary of a tokenizer that was made here."""
    unsaid = (tokenizer.pad_token_id, tokenizer.bos_token_id)
    return Vocabulary(tokenizer, tokenizer.eos_token_id, unsaid, tokenizer.unk_token_id, True)


def load_word_vocabulary(name: str | Path) -> Vocabulary:
    """Read an LSTM's vocabulary from a folder or hub id.

    Raises:
        InputError: there is none, or a tokenizer without the four special words.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"{name}: no tokenizer.json, the vocabulary that training saves beside the weights "
            f"({error})"
        ) from error
    missing = [word for word in SPECIAL if word not in tokenizer.get_vocab()]
    if missing:
        raise InputError(
            f"{name}: expected a captioner's vocabulary in tokenizer.json, found one without "
            f"{', '.join(missing)}"
        )
    return of_words(tokenizer)
