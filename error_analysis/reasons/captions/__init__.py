"""Why a caption is hard by its words alone: a typo (typos, a noisy channel whose parts are slips,
spacing, spellings, siblings, carelessness, language_model over general_english), a long modifier or
an abstract word, too little said (underspecified), nothing visual. Captions come in, `Reason`s go
out. Start at caption_reasons.py."""
