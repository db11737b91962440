"""Makes the embedded default: a codec, a Llama and a Whisper small enough to ship."""
