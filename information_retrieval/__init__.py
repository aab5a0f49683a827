"""Files of a split in; models, scores and ranks out. The top level holds the commands. Libraries
build on each other in this order: ranking, models, scoring, combining, training. Start at
ranking/query_ranks.py for what a rank is, at models/loading.py for how a pair is scored, at
scoring/score_tiles.py for how all are."""
