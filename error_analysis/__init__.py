"""Ranks in; failures, their reasons and a report out. The top level holds the commands. Libraries
build on each other in this order: queries, statistics, reasons, oracle, relevance, explaining,
probing, predicting, site. Start at queries/hard_queries.py for what a failure is, at reasons/ for
why."""
