"""Each job as one function, which the command line and the Python API call alike."""
