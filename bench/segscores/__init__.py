"""Scores from probability maps: the only place where they are computed, every convention under its own name.

A map is uint8, probability x 255; a mask is lesion where grey > 127. What follows from one histogram of the map inside
and outside the lesion is computed always (`image_scores`): it costs less than decoding the two files. What looks at
where pixels lie is computed when asked for (`shape_scores`). `names.py` lists all scores; empty masks and maps:

| score | map as | empty mask | empty map, mask with a lesion |
| --- | --- | --- | --- |
| `mdice@256`, `miou@256` | stretched to [0, 1] | 0 | 1/256 of that of a map positive everywhere |
| `e-measure@256` | stretched | share of negatives | by its formula |
| `mae` | stretched | mean of the map | the lesion's share |
| `s-measure` | stretched | 1 - mean of the map | by its formula; a lesion in the last row or column alone: none |
| `weighted-f` | stretched | 0 | by its formula |
| `dice@0.5`, `iou@0.5` | as it is, > 0.5 | 0; 1 when the map is empty too | 0 |
| `recall@0.5` | as it is, > 0.5 | not defined: the image is left out | 0 |
| `hd95` | as it is, > 0.5 | image diagonal; 0 when the map is empty too | image diagonal |
| `surface-dice@2px` | as it is, > 0.5 | 0; 1 when the map is empty too | 0 |
| `…-pooled`, `…-two-class` | as it is, > 0.5 | its pixels count | its pixels count |
| `ece-pooled` | as it is | its pixels count | its pixels count |
"""

from bench.segscores.maps import image_scores, score_folder, score_maps
from bench.segscores.names import COUNTS, GAPS, METRICS, NAMES, PER_IMAGE, SHAPE, Name, better, limits
from bench.segscores.sets import Columns, Reading, aggregate, as_columns, readings
from bench.segscores.shape import missing, shape_scores

VERSION = 2
"""Raised when a score of the same map comes out otherwise, or when one is added to those kept of every map."""

__all__ = [
    "COUNTS", "GAPS", "METRICS", "NAMES", "PER_IMAGE", "SHAPE", "VERSION", "Columns", "Name", "Reading", "aggregate",
    "as_columns", "better", "image_scores", "limits", "missing", "readings", "score_folder", "score_maps",
    "shape_scores",
]  # fmt: skip
