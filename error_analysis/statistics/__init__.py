"""How sure a number is, and how it looks: intervals by resampling images (resampling, bootstrap,
win_counts; of cascades: cascades), tests between models (paired_tests, multiple_tests), both as a
table (assessment, metric_tables), ranks as figures (rank_plots); which images are hard by human
captions and which by generated ones (hard_images); images and captions in one t-SNE (joint_tsne,
pair_figure). Start at bootstrap.py."""
