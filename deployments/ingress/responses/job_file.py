"""Files of jobs, of which clients may get ranges."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from deployments.errors import ServiceError
from deployments.ingress.responses.audio_file import byte_range
from deployments.jobs.formats import MEDIA_TYPES, FileFormat, StreamFormat
from deployments.jobs.protocol import JobBoard
from deployments.service.retry import await_first_item


async def job_file(
    request: Request,
    jobs: JobBoard,
    owner: str,
    id: str,
    format: FileFormat | None,
    chapter: int | None,
    title: str | None = None,
) -> Response:
    """Returns a response with a file of a job, or with the range of it that the request asks for.

    Args:
        request: The request.
        jobs: Has the job.
        owner: Owner of the job.
        id: The job.
        format: None: the job's.
        chapter: From 1; None: all chapters.
        title: Name under which browsers save the file, without its suffix. Default: made of the id.

    Raises:
        ServiceError: see `JobBoard.file`.
    """
    file = await jobs.file(owner, id, format, chapter)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{id}-{file.name}-{file.size}"',
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(title, safe='')}.{file.name.rpartition('.')[2]}"
        if title
        else f'attachment; filename="{id}-{file.name}"',
    }
    wanted = byte_range(request, file.size, headers["ETag"])
    if wanted is not None and not wanted:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    part = range(file.size) if wanted is None else wanted
    headers["Content-Length"] = str(len(part))
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    data = jobs.read(owner, id, file.name, part.start, part.stop)
    return StreamingResponse(data, 200 if wanted is None else 206, headers, file.media_type)


async def job_stream(
    jobs: JobBoard, owner: str, id: str, format: StreamFormat, chapter: int | None, *, follow: bool
) -> Response:
    """Returns a response with a job or a chapter as it is spoken.

    Raises:
        ServiceError: see `JobBoard.stream`.
    """
    first, blocks = await await_first_item(jobs.stream(owner, id, format, chapter, follow))

    async def sent() -> AsyncGenerator[bytes, None]:
        with suppress(ServiceError):  # deleted meanwhile: there is no more
            async with aclosing(blocks):
                yield first
                async for block in blocks:
                    yield block

    return StreamingResponse(sent(), media_type=MEDIA_TYPES[format], headers={"Cache-Control": "no-store"})
