"""The report, a folder of pages that opens without a server: what is shown (overview, galleries),
cut into pages, with figures, boxes and thumbnails, written as a whole or not at all (folder,
writing). Start at writing.py."""
