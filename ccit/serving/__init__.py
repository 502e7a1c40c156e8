"""The server that clients talk to: adapter slots, generation, an OpenAI-compatible application."""
