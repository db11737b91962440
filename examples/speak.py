"""Speaks a text with a built-in voice: `python examples/speak.py speech.mp3`. Needs the package `openai`."""

import os
import sys

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("LLASA_URL", "http://127.0.0.1:7861") + "/v1",
    api_key=os.environ.get("LLASA_API_KEY", "none"),
)
speech = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello, this is my voice.")
speech.write_to_file(sys.argv[1])
