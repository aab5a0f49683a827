"""How a model learns, on HF's Trainer: HF's options with the paper's values as defaults
(paper_arguments), the ways to train a type of model (formulations), what each trains with (recipes/
and its options, from examples/, regions/ and objectives/), the Trainer that evaluates by ranking
(trainer), and what any run has that goes on after a kill (resumable_trainer, resumable_run,
run_settings, run_folder, interruption, results). Start at formulations.py."""
