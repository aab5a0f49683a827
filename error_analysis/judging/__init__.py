"""What people judged by hand: a judgement (judgement), the files of one person (judgements, and
judgement_table for their CSV), several judges of one gallery (panel), how often each tag was given
(tag_counts), how far two judges agree (agreement, kappa), and the rules against the judges
(rule_precision); shares have intervals by image (shares). Start at judgements.py."""
