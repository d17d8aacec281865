"""Uncertainty of numbers: bootstrap over groups, jackknife over parts, rank tests. Arrays in, numbers out."""
