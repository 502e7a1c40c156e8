"""Plug-ins of another package, for the test that installs them."""
