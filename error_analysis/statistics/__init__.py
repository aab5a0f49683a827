"""How sure a number is, and how it looks: intervals by resampling images (bootstrap), tests between
models (paired_tests), both as a table (assessment, metric_tables), ranks as figures (rank_plots).
Start at bootstrap.py."""
