"""Score matrices in, ranks and recalls out, with no model in sight: what ties are worth
(query_ranks), counting without sorting (rank_counter), recalls (metrics), the galleries that are
compared (protocols), the rankings file and the readers of others' scores (rankings, score_files),
published numbers. Start at query_ranks.py, then rank_counter.py."""
