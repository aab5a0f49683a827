"""How a captioner learns, on the Trainer of information_retrieval.training: its options
(captioner_options, training_arguments), a new captioner or one that goes on (new_captioner), a
caption and its image's encoding an item (caption_items), minival captioned and scored each epoch
(minival, trainer), what a finished run leaves (model_card, curves, results), and many runs compared
(sweep_grid, sweep_table, sweep_figure). Split files and encodings come in, a captioner's folder
goes out. Start at preparation.py."""
