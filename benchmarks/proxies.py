"""Which proxy agrees best with a real model, and at what cost: itself, or a copy with fewer of its layers.

    python -m benchmarks.proxies ROWS.jsonl [--rows 150]

The whole model (SmolLM2-135M-Instruct) scores the rows; so does each copy. Agreement is the rank correlation
(Spearman) of the two IFDs; the cost is the FLOPs of a token beside the whole model's, and the time measured here.
"""

from __future__ import annotations
