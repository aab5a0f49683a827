"""The small vocabularies of CLIP and LXMERT, made of the captions' own words."""

import json
import re
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import BertTokenizer, CLIPTokenizer

_WORD_END = "</w>"
_CLIP_SPECIALS = ("<|startoftext|>", "<|endoftext|>")
_BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"-()/&%$#"


def make_clip_tokenizer(captions: list[str], max_length: int) -> CLIPTokenizer:
    """Return a CLIP tokenizer whose byte-pair merges make each frequent word one token.

    Ids follow CLIP's order: 256 bytes, the same at a word's end, merges, start, end. So any text
    has tokens, and a misspelt or unknown word falls into several.
    """
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner = Tokenizer(models.BPE(end_of_word_suffix=_WORD_END))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,
        min_frequency=20,
        initial_alphabet=bytes_,
        end_of_word_suffix=_WORD_END,
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    merges = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    tokens = [*bytes_, *(byte + _WORD_END for byte in bytes_)]
    tokens += [left + right for left, right in merges]
    tokens = [*dict.fromkeys(tokens), *_CLIP_SPECIALS]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=max_length)


def make_bert_tokenizer(captions: list[str], max_length: int) -> BertTokenizer:
    """Return a WordPiece tokenizer of the captions' words, and of characters for all others."""
    words = Counter(re.findall(r"[a-z]+", " ".join(captions).lower()))
    pieces = [*_CHARACTERS, *("##" + character for character in _CHARACTERS)]
    tokens = dict.fromkeys([*_BERT_SPECIALS, *pieces, *(word for word, _ in words.most_common())])
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=max_length)


def save_slow_files(tokenizer: CLIPTokenizer | BertTokenizer, folder: Path) -> None:
    """Save the tokenizer, its classic files (vocab.json and merges.txt, or vocab.txt) included."""
    tokenizer.save_pretrained(folder)
    tokenizer.backend_tokenizer.model.save(str(folder))
