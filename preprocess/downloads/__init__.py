"""COCO's archives, fetched and unpacked so that a cut-off download goes on and a damaged one is
noticed: HTTP ranges (http_file), zip members by their CRC (zip_members), what each step needs
before it begins (step_needs); VizWiz's, whose sizes nobody has published (vizwiz_archives). Start
at obtained_archive.py."""
