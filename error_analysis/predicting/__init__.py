"""What hardness depends on: features of queries (query_features), a model of hard against easy that
is tested on other images (difficulty_model), clusters of the hard ones, and the two together
(difficulty_findings). Start at difficulty_findings.py."""
