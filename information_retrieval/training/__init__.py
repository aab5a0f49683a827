"""How a model learns, on HF's Trainer: options (objective_arguments; paper_arguments: HF's, with
the paper's values as defaults), what a model type and formulation train with (recipe, from
examples/ and objectives/), the Trainer that evaluates by ranking (trainer), and a run's folder that
goes on after a kill (run_folder, interruption, results). Start at recipe.py."""
