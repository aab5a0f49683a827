"""Commands of this package one after another: what the rankings tell of what can be made (told),
and a command as it is shown and run (step). Start at step.py."""
