"""Whether accepted samples are still what they were: detectors, what a change comes from, and who asks them."""
