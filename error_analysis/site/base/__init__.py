"""What all pages stand on: the addresses of queries (links), the templates (environment), pictures
and the detector's boxes. Start at links.py."""
