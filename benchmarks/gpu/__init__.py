"""What a card does, measured in minutes: a step a file, each in a process of its own (run.py)."""
