"""How a model learns, on HF's Trainer: HF's options with the paper's values as defaults
(paper_arguments), the ways to train a type of model (formulations), what each trains with (recipes/
and its options, from examples/, regions/ and objectives/), the Trainer that evaluates by ranking
(trainer), and a run's folder that goes on after a kill (run_folder, interruption, results). Start
at formulations.py."""
