"""The same in Jupyter: galleries of failures and hubs as HTML with their pictures in it (galleries,
fragment), and a widget to browse and judge all queries. Start at widget.py."""
