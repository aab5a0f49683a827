"""Several models as one: z-normalised scores summed (fusion), the top k of one ordered by another
(shortlist, cascading, cascade_result). Rankings come in, scores and ranks with their bounds go out.
Start at shortlist.py."""
