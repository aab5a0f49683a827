"""A scene as pixels: backgrounds, things and animals, drawn with a pen. A `Scene` comes in, an
image goes out. Start at painting.py."""
