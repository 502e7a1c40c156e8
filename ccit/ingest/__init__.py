"""From what a hospital sends to Records and Samples."""
