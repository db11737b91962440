#!/usr/bin/env bash
# Speaks a text with a built-in voice and transcribes the speech: examples/speak.sh speech.wav
set -euo pipefail
url=${LLASA_URL:-http://127.0.0.1:7861}
key=${LLASA_API_KEY:-none}
output=$1

curl -sS --fail-with-body "$url/v1/audio/speech" \
  -H "Authorization: Bearer $key" -H "Content-Type: application/json" \
  -d '{"model": "tts-1", "voice": "alloy", "input": "Hello, this is my voice.", "response_format": "wav"}' \
  -o "$output"
curl -sS --fail-with-body "$url/v1/audio/transcriptions" \
  -H "Authorization: Bearer $key" \
  -F model=whisper-1 -F response_format=text -F "file=@$output"
