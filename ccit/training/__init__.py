"""Rounds: what they are made of (pure) and how both adapters are trained (torch, in a child process).

mixture, steps, schedule, applied (pure) <- checkpoint, loop, lora (torch) <- worker (the child's main);
process (no torch) talks to the worker from the consumer's side.
"""
