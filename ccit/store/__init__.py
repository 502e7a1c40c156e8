"""Where adapters, manifests and snapshots lie: content-addressed files, checked before anything parses them."""
