"""What every package stands on and that knows nothing of images or captions: the exceptions and the
one line that a command prints for them (errors, command_line), atomic and sealed files (files,
json_seal, file_lock, output_lock, disk_space), devices, the hub, pickles read without running code.
Nothing comes in but paths and options. Start at command_line.py, then files.py."""
