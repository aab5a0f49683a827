"""The sections of the report's first page: what each shows, counted from rankings or read from the
JSON of another command, without links and layout (templates/sections). Start at findings.py."""
