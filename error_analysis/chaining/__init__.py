"""Commands of this package one after another: what the rankings tell of what can be made (told,
asked), the commands that read all of them (analyses), and a command as it is shown and run (step).
Start at step.py."""
