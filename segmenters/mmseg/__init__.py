"""Networks of mmsegmentation: any of them from a configuration, and the Mix Transformers of two methods."""
