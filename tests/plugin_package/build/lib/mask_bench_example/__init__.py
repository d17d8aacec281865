"""Plugins for the suite that live outside of it."""
