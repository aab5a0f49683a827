"""All rules applied to the hard queries of models, and to easy ones for comparison (query_reasons),
and the JSON that keeps what they found (explanations). Start at query_reasons.py."""
