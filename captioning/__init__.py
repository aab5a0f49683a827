"""Images in; captions out, how good they are, and what their own captions retrieve. The top level
holds the commands. Start at evaluate.py for how captions are scored."""
