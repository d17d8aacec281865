"""The training and prediction loop all segmenters share."""
