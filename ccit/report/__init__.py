"""The report: one self-contained HTML page that shows what a run did, made from its summary and its history.

`history.py` is what a run must remember, `facts.py` reads `summary.json`, one file per figure draws it as inline SVG
(`svg.py`), and `render.py` puts the page together. Nothing here knows a broker, a model or the network.
"""
