"""`llasa-serve voices`."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Final, get_args

from cli.client import RestClient
from cli.speech import read, write
from deployments.service.backend import Clip
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import Voice

VOICES: Final = """\
Lists the voices; adds, removes, exports or imports one. An exported voice is a zip file with its clip, text, codes
and consent.

  llasa-serve voices
  llasa-serve voices add narrator me.wav --consent "my own voice" --ref-text "What the clip says."
  llasa-serve say "Hello there." --voice narrator -o hello.wav
  llasa-serve voices export narrator -o narrator.zip
  llasa-serve voices --url http://other:7861 import narrator.zip
  llasa-serve voices remove narrator
"""
_REF_CHECK: Final = "if the clip and its text do not match: refuse it, repair the text, or do not check"


def add_voice_actions(parser: argparse.ArgumentParser) -> None:
    """Adds the parsers of what can be done with voices."""
    actions = parser.add_subparsers(dest="action")
    add = actions.add_parser("add", help="store the voice of a clip")
    add.add_argument("name")
    add.add_argument("clip", type=Path, help="any audio file, ideally 5 to 15 s")
    add.add_argument("--ref-text", help="text of the clip (default: transcribed)")
    add.add_argument("--ref-check", choices=get_args(ReferenceCheck), help=_REF_CHECK)
    add.add_argument("--consent", required=True, help="whose voice it is and how they agreed")
    actions.add_parser("remove", help="delete a voice for good").add_argument("name")
    export = actions.add_parser("export", help="save a stored voice as a zip file")
    export.add_argument("name")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="output file")
    load = actions.add_parser("import", help="store the voice of such a file")
    load.add_argument("file", type=Path)
    load.add_argument("--name", help="name of the voice (default: that in the file)")


async def change_voices(client: RestClient, given: argparse.Namespace) -> None:
    """Does what was asked for, or lists the voices."""
    match given.action:
        case "add":
            clip = Clip(await asyncio.to_thread(read, given.clip))
            _show(await client.clone_voice(given.name, clip, given.ref_text, given.consent, ref_check=given.ref_check))
        case "remove":
            print(f"{(await client.delete_voice(given.name)).name} is deleted.")
        case "export":
            await asyncio.to_thread(write, given.output, await client.export_voice(given.name))
        case "import":
            _show(await client.import_voice(await asyncio.to_thread(read, given.file), given.name))
        case _:
            for voice in await client.list_voices():
                print(f"{voice.name}  {voice.id}  {voice.duration:.1f} s")


def _show(voice: Voice) -> None:
    print(f"{voice.name}  {voice.id}  {voice.ref_text!r}")
    for warning in voice.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
