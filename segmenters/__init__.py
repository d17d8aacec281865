"""Segmenters: a file or a folder a method, the network with its published recipe.

What they share lies in `training/` (the segmenter that a plugin completes, its loop and recipes), `weights/` (released
checkpoints, published backbones) and `mmseg/` (networks of mmsegmentation, a plugin too).
"""
