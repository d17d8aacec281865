"""From the records of a run to numbers with their uncertainty. Pure: nothing is trained or drawn."""
