"""Training and prediction that all segmenters share, and the parts that recipes are made of."""
