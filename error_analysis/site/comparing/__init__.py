"""Many models side by side: which of them the hard queries are hard for, as an UpSet figure (upset)
and in numbers (overlap), what one alone finds or misses (alone), which reasons the hard queries of
each have (reason_shares), and from how many on a page folds (many); and what captioners' captions
find (captioners). Start at upset.py."""
