"""The demo: the real consumers on a small broker, a simulated hospital, small models made here, and a report."""
