"""Stores the voice of a clip and streams speech: `python examples/clone.py reference.wav speech.wav`. Needs `httpx`."""

import os
import sys
from pathlib import Path

import httpx

url = os.environ.get("LLASA_URL", "http://127.0.0.1:7861")
key = os.environ.get("LLASA_API_KEY", "none")
clip, output = map(Path, sys.argv[1:])

with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=600) as client:
    voice = client.post(
        "/v1/audio/voices",
        files={"audio_sample": clip.read_bytes()},
        data={"name": "example", "consent": "my own voice"},
    )
    if voice.status_code != 409:  # 409: it is stored already
        voice.raise_for_status()

    body = {"model": "tts-1", "voice": "example", "input": "Hello, this is my voice.", "response_format": "wav"}
    with client.stream("POST", "/v1/audio/speech", json=body) as response, output.open("wb") as file:
        response.raise_for_status()
        for data in response.iter_bytes():
            file.write(data)
