"""The report, a folder of two pages that opens without a server: what it shows (overview, and the
findings of all queries), its figures, its size, written as a whole or not at all (folder). Its
templates and scripts lie beside. Start at writing.py."""
