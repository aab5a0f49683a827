"""X-VLM's texts: cleaned as it was trained, and tokenised without [SEP]."""

import re

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

# "don't" becomes "dont", "skate-board" two words.
MARKS = str.maketrans("-/", "  ", ",.'!?\"()*#:;~")
SPACES = re.compile(r"\s{2,}")  # a single tab or line break stays


def clean_caption(text: str, max_words: int) -> str:
    """Return a text as X-VLM reads it: lower case, without most marks, its first words alone.

    Returns:
        At most `max_words` words; "" where nothing is left, which the published code refuses.

    Source: the published data sets; the marks that are not in `MARKS` stay.
    """
    text = text.lower().translate(MARKS).replace("<person>", "person")
    text = SPACES.sub(" ", text).rstrip("\n").strip(" ")
    return " ".join(text.split(" ")[:max_words])


def single_sequence_tokenizer(tokenizer) -> PreTrainedTokenizerFast:
    """Return BERT's tokenizer for X-VLM: [CLS] and the pieces of a text, no [SEP].

    HF's `BertTokenizer` sets its own template, with [SEP], whenever it is loaded. So this one is of
    the general class, as which `AutoTokenizer` loads the folder that it is saved to.

    Args:
        tokenizer: a `BertTokenizer`, which stays as it is.
    """
    # A copy: the original's template must not change.
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.post_processor = TemplateProcessing(
        single="[CLS] $A",
        pair="[CLS] $A $B:1",
        special_tokens=[("[CLS]", tokenizer.cls_token_id)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=tokenizer.model_max_length,
        **tokenizer.special_tokens_map,
    )
