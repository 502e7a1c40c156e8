"""What is measured, not asserted: `make bench` prints these tables; `benchmarks/RESULTS.md` keeps a run of them."""
