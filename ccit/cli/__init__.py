"""The commands: each file reads flags, calls an assembly or a consumer, and says what came of it."""
