"""Why a caption is hard by its words alone: a typo (typos, a noisy channel whose parts are slips,
spacing, spellings, siblings, language_model over general_english), a long modifier or
an abstract word, nothing visual, or words that suit many images or that nobody else says
(unfindable). Captions come in, `Reason`s go out. Start at caption_reasons.py."""
