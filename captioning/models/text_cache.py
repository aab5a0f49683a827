"""What HF's text decoders have read so far, whatever the version calls it."""

from inspect import signature

from transformers import GPT2LMHeadModel

# Of the argument that a cache is given by; the longer name goes in transformers 5.40.
CACHE = "cache" if "cache" in signature(GPT2LMHeadModel.forward).parameters else "past_key_values"
