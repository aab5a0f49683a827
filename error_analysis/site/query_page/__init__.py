"""The page of all queries: what its scripts load. Queries are numbered (numbers), labelled for the
filters (labels), listed (index), and looked up under every model (details); what a captioner says
of the images stands beside (generated). Start at index.py."""
