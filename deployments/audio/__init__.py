"""Audio uploads, decoded to mono at 16 kHz in sandboxed processes."""
