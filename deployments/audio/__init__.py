"""Audio that people send: decoded in processes that may die, to mono at 16 kHz."""
