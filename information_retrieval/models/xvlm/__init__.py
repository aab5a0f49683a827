"""X-VLM (Zeng et al., 2022): Swin encodes images and regions of them, the first half of a BERT
texts, its second half, which also reads image tokens, pairs of both. An official pickle, or pixels
and captions come in; features, matching logits and boxes go out. The model: configuration, vision,
text, model; begun: initialisation; texts and regions as it reads them: captions, region_tokens;
official files: conversion, official_names, position_tables; all pairs: encoded_gallery, encoders,
pair_blocks; where a text is: predicted_boxes. Start at model.py."""
