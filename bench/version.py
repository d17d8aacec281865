"""The version of the suite, in the one place that nothing else need be imported for."""

__version__ = "0.1.0"
