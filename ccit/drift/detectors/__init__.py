"""Ways to find a change, a file each; see `docs/extending.md`."""
