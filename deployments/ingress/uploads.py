"""Uploads without a file name, as some SDKs send bytes."""

from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

UPLOADS: Final = frozenset({"audio", "audio_sample", "file"})
"""Fields that hold a file."""


class _Parser(MultiPartParser):
    """Takes the parts of these fields for files, whether or not they have a file name.

    Starlette reads a part without one as text, which its bytes do not survive.
    """

    def on_headers_finished(self) -> None:
        part = self._current_part
        disposition, options = parse_options_header(part.content_disposition)
        name = options.get(b"name", b"")
        if b"filename" not in options and name.decode("latin-1") in UPLOADS:
            part.content_disposition = disposition + b'; name="' + name + b'"; filename="upload"'
        super().on_headers_finished()


class _UploadRequest(Request):
    async def _get_form(self, **limits: Any) -> FormData:
        content_type, _ = parse_options_header(self.headers.get("content-type"))
        if self._form is None and content_type == b"multipart/form-data":
            try:
                async with aclosing(self.stream()) as stream:
                    self._form = await _Parser(self.headers, stream, **limits).parse()
            except MultiPartException as error:
                raise HTTPException(400, error.message) from error
        form: FormData = await super()._get_form(**limits)
        return form


class UploadRoute(APIRoute):
    """A route whose form has a file."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_upload(request: Request) -> Response:
            return await handle(_UploadRequest(request.scope, request.receive))

        return handle_upload
