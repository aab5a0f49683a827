"""The one exception that users see: bad input, said in one line."""


class InputError(Exception):
    """Bad input. The message names the file, what was expected and found, and how to fix it.

    Commands print it as one line and exit with status 1; it is never raised for a defect of
    this project, whose traceback should stay visible.
    """
