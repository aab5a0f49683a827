"""What hardness depends on: features of queries (query_features; feature_sources reads what they
are of), a model of hard against easy that is tested on other images (difficulty_model), and what
was found with it (difficulty_findings). Start at difficulty_findings.py."""
