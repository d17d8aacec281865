"""Networks of mmsegmentation: any of them from a configuration, and the Mix Transformers that two methods are built on."""
