"""A captioner: what it reads of an image, and how probable it finds each next word. The LSTMs of
the paper and their attention (lstm_captioner, of pooled_decoder, attention_decoder and losses;
configuration, paper), a GPT-2 behind a prefix (prefix_captioner), HF's BLIP (blip_captioner), the
encodings and the words that they know (encodings, vocabulary), and a checkpoint of any (loading). A
folder or hub id comes in; what goes out is driven word by word, as stepping says. Start at
lstm_captioner.py."""
