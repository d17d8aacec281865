"""The one exception a user's mistake raises: a single line that names the file or option and the remedy."""


class BenchError(Exception):
    """A mistake the reader can mend: printed as one line without a traceback, exit code 2."""
