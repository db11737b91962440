"""Addresses of the files of jobs."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

from deployments.jobs.formats import FileFormat
from deployments.service.transcription import TextFormat

JobResource = Literal["audio", "stream", "transcript"]


class JobLinks:
    """Signs addresses, since links carry no API key: only who got a link from the page can follow it.

    They are valid until the page's process ends.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def link(
        self,
        prefix: str,
        owner: str,
        job: str,
        format: FileFormat | TextFormat,
        chapter: int | None = None,
        file: JobResource = "audio",
    ) -> str:
        """Returns the address of a file of a job, or of a chapter.

        Args:
            prefix: URL prefix of the page.
            owner: Owner of the job.
            job: Its id.
            format: Format of the file.
            chapter: From 1; None: all chapters.
            file: Which file it is.
        """
        query = {"format": format, "owner": owner, "key": self._key(owner, job)}
        return f"{prefix}/jobs/{job}/{file}?{urlencode(query | ({'chapter': chapter} if chapter else {}))}"

    def owner(self, job: str, query: Mapping[str, str]) -> str | None:
        """Returns the owner in the query of an address; None if the page has not signed it."""
        owner = query.get("owner", "")
        signed = hmac.compare_digest(self._key(owner, job).encode(), query.get("key", "").encode())
        return owner if signed else None

    def _key(self, owner: str, job: str) -> str:
        return hmac.digest(self._secret, f"{job} {owner}".encode(), "sha256").hex()
