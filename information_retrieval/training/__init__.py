"""How a model learns, on HF's Trainer: options (arguments; paper_arguments are HF's with the
paper's values), what a model type and formulation train with (recipe, from examples/ and
objectives/), the Trainer that evaluates by ranking (trainer), and a run's folder that goes on after
a kill (run_folder, interruption, results). Start at recipe.py."""
