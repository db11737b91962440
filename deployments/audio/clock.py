"""Compares the timestamps of a file with the samples read so far."""

from typing import TYPE_CHECKING, Final

from deployments.xcodec2.protocol import SAMPLE_RATE

if TYPE_CHECKING:
    from av import AudioFrame, Packet
    from av.container import InputContainer

_GAP: Final = 0.1
"""Seconds of a gap in the timestamps that is filled with silence, as by FFmpeg's `aresample=async=1`."""
_JUMP: Final = 10.0
"""Seconds of a gap that counts as a clock reset, where resets may occur: FFmpeg's `dts_delta_threshold`."""


class Clock:
    """Computes where silence belongs.

    Args:
        container: The file whose frames are read.
    """

    def __init__(self, container: "InputContainer") -> None:
        from av.format import Flags

        self._start = (container.start_time or 0) / 1_000_000
        self._may_be_set = bool(container.format.flags & Flags.ts_discont.value)  # type: ignore[operator]
        self._read = 0.0

    def see(self, packet: "Packet") -> None:
        """Registers a packet of another track. The file begins where its first track does.

        FFmpeg cannot locate the beginning of a picture track without decoding it.
        """
        if self._read or packet.pts is None or not packet.time_base or packet.stream.type != "video":
            return
        if not packet.stream.disposition & packet.stream.disposition.attached_pic:
            self._start = min(self._start, float(packet.pts * packet.time_base))

    def samples_before(self, frame: "AudioFrame") -> int:
        """Returns the samples of silence at 16 kHz before a frame. The frame counts as read from now on."""
        gap = 0.0
        if frame.time is not None:
            gap = frame.time - self._start - self._read
            if gap < -_GAP or (self._may_be_set and gap > _JUMP):
                # The clock was reset, as in files that were concatenated.
                self._start += gap
                gap = 0.0
        silence = round(gap * SAMPLE_RATE) if gap > _GAP else 0
        self._read += silence / SAMPLE_RATE + frame.samples / frame.sample_rate
        return silence
