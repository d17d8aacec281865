"""Runs the stages of a plan against a store: what each action does, processes, devices, provenance."""
