"""The one exception a user's mistake raises: a line that names the file or option and the remedy, or a list of such."""


class BenchError(Exception):
    """A mistake the reader can mend: printed without a traceback, exit code 2."""
