"""Files of several tracks, with times of their own."""

import io

import av
import numpy as np
from numpy.typing import NDArray

Frames = list[tuple[float, NDArray[np.float32]]]
"""Seconds at which they begin, and [channels, samples]."""


def muxed(
    container_format: str,
    codec: str,
    rate: int,
    layout: str,
    tracks: list[Frames],
    picture: bool = False,
) -> bytes:
    """A file of several tracks whose audio stands at given times; with a picture track that begins at 0."""
    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        video = None
        if picture:
            video = container.add_stream("mpeg4", rate=5)
            video.width = video.height = 16
            video.pix_fmt = "yuv420p"
        streams = [container.add_stream(codec, rate=rate, layout=layout) for _ in tracks]
        for index in range(5 if video else 0):
            frame = av.VideoFrame(16, 16, "yuv420p")
            frame.pts = index
            container.mux(video.encode(frame))  # type: ignore[union-attr]
        for stream, frames in zip(streams, tracks, strict=True):
            if not stream.codec_context.is_open:
                stream.codec_context.open()
            size = stream.codec_context.frame_size or 1024
            for start, samples in frames:
                for at in range(0, samples.shape[1], size):
                    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, at : at + size]), "fltp", layout)
                    frame.sample_rate = rate
                    frame.pts = round(start * rate) + at
                    frame.time_base = stream.codec_context.time_base
                    container.mux(stream.encode(frame))
        for stream in [*streams, *([video] if video else [])]:
            container.mux(stream.encode(None))
    return file.getvalue()
