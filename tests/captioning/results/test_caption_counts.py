"""What is counted of captions; and two claims of a paper, by its own files of captions.

The original repository has committed what its models said of VizWiz' 7,542 val images. Its paper
concludes that attention hurts from a row of scores that is, digit for digit, CLIP+LSTM's after
epoch 5; and sweeps learning rates by scores of models that say one sentence.
"""

import pytest

from captioning.results.caption_counts import count_captions
from captioning.results.results_file import read_captions


def test_captions_are_counted():
    captions = ["a dog", "a dog", "a <unk> runs.", "...", "word " * 100]
    counts = count_captions(range(5), captions)
    assert (counts.captions, counts.distinct, counts.empty) == (5, 4, 1)
    assert (counts.commonest, counts.commonest_share) == ("a dog", 0.4)
    assert (counts.words, counts.words_mean, counts.words_median) == (107, 21.4, 2)
    assert counts.words_most == 100
    assert counts.unknown_share == 0.2
    assert counts.long == {"4": 100}
    assert counts.long_share == 0.2
    assert counts.long_words_share == 100 / 107
    assert "1 of 5 captions have no word" in counts.told()
    assert "together 93 % of all words" in counts.told()[-1]


def test_plain_words_count_punctuation():
    assert count_captions([1], ["a dog ."], "plain").words == 3
    assert count_captions([1], ["a dog ."], "ptb").words == 2


def test_one_caption_for_all_is_told():
    assert count_captions([1, 2], ["a dog", "a dog"]).told() == ["all 2 captions are 'a dog'"]
    assert count_captions([1], ["a dog"]).told() == []


def test_the_low_bleu_after_epoch_5_is_eight_captions_that_never_end(shared_data):
    names, captions, _ = read_captions(shared_data / "vizwiz" / "original_clip_lstm_epoch5.json")
    counts = count_captions(names, captions, long_limit=1_000)
    assert counts.captions == 7_542
    assert counts.words == 180_564
    assert len(counts.long) == 8
    assert sum(counts.long.values()) == 99_747
    assert counts.words_most == 18_324
    assert counts.distinct == 4_888
    # The reported .241 of 180,564 words, had these eight said nothing right nor wrong.
    assert 0.241 * counts.words / (counts.words - 99_747) == pytest.approx(0.538, abs=0.001)


def test_of_epoch_3_no_caption_is_long(shared_data):
    names, captions, _ = read_captions(shared_data / "vizwiz" / "original_clip_lstm_epoch3.json")
    counts = count_captions(names, captions)
    assert (counts.distinct, counts.words_most, counts.long) == (3_710, 18, {})
    assert counts.unknown_share == pytest.approx(0.1995, abs=0.0001)


def test_the_sweep_s_learning_rate_of_01_says_one_sentence_of_every_image(shared_data):
    names, captions, _ = read_captions(shared_data / "vizwiz" / "original_cnn_lstm_lr01.json")
    counts = count_captions(names, captions)
    assert counts.distinct == 1
    assert counts.told() == ["all 7,542 captions are 'A person holding a can of food .'"]
