"""Arms of an ablation, trained with several seeds, compared: the rankings files of each gallery,
one read at a time (runs), what is known of each arm and of each two (arms), whether a stated order
holds (order), what was published of such arms (published_arms), and all of it as text, JSON and a
figure (arm_table, ablation_json, arm_figure). Start at arms.py."""
