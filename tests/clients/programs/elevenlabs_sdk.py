"""ElevenLabs' SDK. Arguments: URL of the service, folder for audio, text."""

import base64
import json
import sys
from pathlib import Path

from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError


def main(url: str, folder: Path, text: str) -> None:
    client = ElevenLabs(base_url=url, api_key="none")
    [alloy] = [voice for voice in client.voices.get_all().voices if voice.name == "alloy"]
    speech = {"voice_id": alloy.voice_id, "text": text, "model_id": "eleven_multilingual_v2"}
    (folder / "convert.mp3").write_bytes(b"".join(client.text_to_speech.convert(**speech)))
    (folder / "stream.mp3").write_bytes(b"".join(client.text_to_speech.stream(**speech, output_format="mp3_22050_32")))
    timed = client.text_to_speech.convert_with_timestamps(**speech)
    (folder / "timed.mp3").write_bytes(base64.b64decode(timed.audio_base_64))
    assert timed.alignment
    pieces = list(client.text_to_speech.stream_with_timestamps(**speech))
    (folder / "pieces.mp3").write_bytes(b"".join(base64.b64decode(piece.audio_base_64) for piece in pieces))
    [streamed] = [piece.alignment for piece in pieces if piece.alignment]
    try:
        client.text_to_speech.convert(**speech | {"voice_id": "nobody"}).__next__()
        refused = None
    except ApiError as error:
        refused = error.status_code
    found = {
        "searched": [voice.name for voice in client.voices.search().voices],
        "voice": client.voices.get(alloy.voice_id).name,
        "characters": "".join(timed.alignment.characters),
        "streamed": "".join(streamed.characters),
        "streamed_ends": streamed.character_end_times_seconds,
        "ends": timed.alignment.character_end_times_seconds,
        "refused": refused,
    }
    print(json.dumps(found))


main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
