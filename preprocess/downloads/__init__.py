"""COCO's archives, fetched and unpacked so that a cut-off download goes on and a damaged one is
noticed: HTTP ranges (http_file), zip members by their CRC (zip_members), what each step needs
before it begins (step_needs). Start at obtained_archive.py."""
