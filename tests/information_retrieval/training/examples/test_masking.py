"""Words hidden in texts: how many, which, and what is shown instead."""

from collections import Counter

import numpy as np
import pytest
from transformers import BertTokenizer

from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.training.examples.masking import MaskedText, WordMasker, pad_masked

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghij"
CLS, MASK = 2, 4


@pytest.fixture(scope="module")
def tokenizer():
    """Words of a letter, and the pieces that go on: "abc" has three."""
    pieces = [*PIECES, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return single_sequence_tokenizer(BertTokenizer(vocab=vocabulary))


@pytest.fixture(scope="module")
def masker(tokenizer) -> WordMasker:
    return WordMasker(tokenizer)


def ids(tokenizer, text: str) -> list[int]:
    return tokenizer(text)["input_ids"]


def test_as_many_tokens_are_hidden_as_a_quarter_rounded_to_even(tokenizer):
    generator = np.random.default_rng(0)
    for max_masks in (6, 8):
        masker = WordMasker(tokenizer, max_masks=max_masks)
        for n_tokens in range(2, 45):
            token_ids = [CLS, *generator.integers(5, 25, n_tokens - 1).tolist()]
            expected = min(max_masks, max(1, round(n_tokens / 4)))
            for _ in range(10):
                text = masker.mask(token_ids, generator)
                assert len(set(text.positions)) == len(text.positions) == expected
                assert text.positions == sorted(text.positions)
                assert text.positions[0] > 0
                assert text.positions[-1] < n_tokens
    # Halves go to even: 10 tokens hide 2, 14 hide 4.
    assert len(WordMasker(tokenizer).mask([CLS, *[5] * 9], generator).positions) == 2
    assert len(WordMasker(tokenizer).mask([CLS, *[5] * 13], generator).positions) == 4


def test_only_hidden_tokens_change_and_the_labels_are_the_tokens(masker, tokenizer):
    token_ids = ids(tokenizer, "a bcd e f ghi j a b")
    for seed in range(200):
        text = masker.mask(token_ids, np.random.default_rng(seed))
        assert text.token_ids == token_ids
        assert text.labels == [token_ids[position] for position in text.positions]
        pairs = zip(token_ids, text.masked_ids, strict=True)
        changed = {position for position, (was, shown) in enumerate(pairs) if was != shown}
        assert changed <= set(text.positions)


def test_eight_of_ten_become_mask_one_another_token_one_stays(masker):
    generator = np.random.default_rng(0)
    counts: Counter = Counter()
    for _ in range(4000):
        token_ids = [CLS, *generator.integers(5, 15, 15).tolist()]
        text = masker.mask(token_ids, generator)
        for position, label in zip(text.positions, text.labels, strict=True):
            shown = text.masked_ids[position]
            counts["mask" if shown == MASK else "same" if shown == label else "random"] += 1
    n = sum(counts.values())
    assert n == 4 * 4000
    # Of random tokens of 25, one is [MASK] and one the label itself.
    assert counts["mask"] / n == pytest.approx(0.8 + 0.1 / 25, abs=0.013)
    assert counts["same"] / n == pytest.approx(0.1 + 0.1 / 25, abs=0.01)
    assert counts["random"] / n == pytest.approx(0.1 * 23 / 25, abs=0.01)


def test_random_tokens_come_from_the_whole_vocabulary(masker):
    generator = np.random.default_rng(0)
    shown = set()
    for _ in range(4000):
        shown |= set(masker.mask([CLS, *[5] * 15], generator).masked_ids[1:])
    assert shown == set(range(25))


def test_every_position_is_hidden_equally_often_where_all_are_words(masker):
    counts = np.zeros(13)
    generator = np.random.default_rng(0)
    for _ in range(6000):
        counts[masker.mask([CLS, *[5] * 12], generator).positions] += 1
    assert counts[0] == 0
    # 3 of 12; the first less often: a span never begins before it.
    assert 0.18 < counts[1] / 6000 < 0.23
    np.testing.assert_allclose(counts[2:] / 6000, 0.25, atol=0.03)


def test_a_word_is_hidden_whole_where_it_fits(masker, tokenizer):
    token_ids = ids(tokenizer, "abc def ghi a")  # 3 of 11 tokens are hidden
    generator = np.random.default_rng(0)
    whole = 0
    for _ in range(6000):
        positions = masker.mask(token_ids, generator).positions
        whole += positions in ([1, 2, 3], [4, 5, 6], [7, 8, 9])
    # 9 times of 10 it begins in a word of three, and takes that alone by a single and by half of
    # the spans: 0.81. Where more than three tokens were found, a word stays by chance: 0.037.
    assert whole / 6000 == pytest.approx(0.847, abs=0.02)


def test_a_draw_depends_on_its_generator_alone(masker, tokenizer):
    text = "a bcd e f ghi j a b"
    first = masker.read(text, np.random.default_rng((3, 1, 7)))
    masker.read("other", np.random.default_rng(0))
    assert masker.read(text, np.random.default_rng((3, 1, 7))) == first
    draws = [masker.read(text, np.random.default_rng((3, epoch, 7))) for epoch in range(9)]
    assert len({tuple(draw.masked_ids) for draw in draws}) > 4


def test_a_text_is_cut_to_its_most_tokens(tokenizer):
    masker = WordMasker(tokenizer, max_tokens=5)
    text = masker.read("a b c d e f g", np.random.default_rng(0))
    assert text.token_ids == ids(tokenizer, "a b c d")


def test_of_a_text_without_pieces_nothing_is_hidden(masker):
    assert masker.mask([CLS], np.random.default_rng(0)) == MaskedText([CLS], [CLS], [])


def test_a_batch_is_padded_and_unused_masks_are_ignored():
    texts = [MaskedText([2, 5, 6, 7], [2, 4, 6, 4], [1, 3]), MaskedText([2, 9], [2, 4], [1])]
    batch = pad_masked(texts, pad_id=0)
    assert batch["input_ids"].tolist() == [[2, 5, 6, 7], [2, 9, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch["masked_ids"].tolist() == [[2, 4, 6, 4], [2, 4, 0, 0]]
    assert batch["masked_positions"].tolist() == [[1, 3], [1, 0]]
    assert batch["masked_labels"].tolist() == [[5, 7], [9, -100]]
