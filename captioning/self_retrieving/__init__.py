"""A captioner's captions as queries: does an image come back for what is said of it? They become a
split of their own, one an image (generated_split), which any retrieval model scores as it does any;
recalls and median ranks with intervals over images (image_recalls), distinct and copied captions
(repetition), all of it as one table and JSON beside human captions and a constant one (outcome);
whether two rankings are of one model (same_model). Start at generated_split.py."""
