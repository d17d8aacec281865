"""The scripts that trained the bundled base model; no part of what is installed."""
