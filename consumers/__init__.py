"""The processes: each file decodes, calls the spine, produces and commits."""
