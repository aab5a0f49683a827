"""How a model learns, on HF's Trainer: options (objective_arguments; paper_arguments: HF's, with
the paper's values as defaults), the ways to train a type of model (formulations), what each trains
with (recipe, xvlm_recipe, from examples/, regions/ and objectives/), the Trainer that evaluates by
ranking (trainer), and a run's folder that goes on after a kill (run_folder, interruption, results).
Start at formulations.py."""
