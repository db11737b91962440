"""The ingress as a Serve deployment."""

import threading
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle

from deployments.audio.clip import AudioReader
from deployments.audio.decoder import DECODER_FAILURES, Decoder
from deployments.ingress.application import build_application
from deployments.ingress.remote_models import RemoteLlasa, RemoteWhisper, RemoteXcodec2
from deployments.ingress.serve_metrics import ServeMetrics
from deployments.jobs.attendance import attended
from deployments.jobs.deployment import RemoteJobs
from deployments.jobs.recordings import BlockOrder
from deployments.jobs.speaker import PartOrder, RecordedPart
from deployments.log import log_beside_serve
from deployments.profiles import Profile
from deployments.remote import from_controller
from deployments.residency.serve_residency import ServeResidency
from deployments.service.listener import Listener
from deployments.service.metrics import CacheMetrics
from deployments.service.pronunciations import PronunciationStore
from deployments.service.service import SpeechService
from deployments.service.turns import Admission
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Synthesizer
from deployments.text.grammars import load_grammars
from deployments.voices.reference import ReferenceCache
from deployments.voices.store import VoiceStore
from deployments.whisper.protocol import Transcript


async def _deployment_health() -> dict[str, str]:
    """Returns the status of the deployments of this replica's application, as Serve's controller knows it."""
    application = serve.get_replica_context().app_name
    deployments = await from_controller(lambda: serve.status().applications[application].deployments)
    return {name: deployment.status.value.lower() for name, deployment in deployments.items()}


@serve.ingress()
class IngressDeployment(SpeechService):
    """The service and its HTTP application; holds no model. The page and the jobs call its methods by a handle."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        llasa: DeploymentHandle[Any],
        xcodec2: DeploymentHandle[Any],
        whisper: DeploymentHandle[Any],
        jobs: DeploymentHandle[Any],
    ) -> None:
        log_beside_serve()
        context = serve.get_replica_context()
        residency = ServeResidency(
            context.app_name,
            {"Llasa": llasa, "XCodec2": xcodec2, "Whisper": whisper},
            settings.model_wait_timeout,
        )
        lm, transcriber, metrics = RemoteLlasa(llasa), RemoteWhisper(whisper), ServeMetrics()
        references = ReferenceCache(watch=CacheMetrics(metrics, "references"))
        synthesizer = Synthesizer(lm, RemoteXcodec2(xcodec2), transcriber, residency, Policy.of(settings), references)
        decoder = Decoder(lambda reason: metrics.count(DECODER_FAILURES.name, reason=reason))
        audio = AudioReader(decoder, settings)
        board = RemoteJobs(jobs)
        store = VoiceStore.of(settings, CacheMetrics(metrics, "voices"))
        super().__init__(
            admission=Admission.of(settings, profile, metrics, context.world_size),
            synthesizer=synthesizer,
            audio=audio,
            listener=Listener(audio, transcriber, residency),
            voices=Voices(store, synthesizer, lm, residency, profile),
            pronunciations=PronunciationStore.of(settings),
            health=_deployment_health,
            residency=residency,
            metrics=metrics,
            profile=profile,
            settings=settings,
            jobs=board,
        )
        self._decoder = decoder
        self._jobs = board
        threading.Thread(target=load_grammars, name="grammars", daemon=True).start()
        self._repeat_gauges = metrics.repeat

    async def record(self, order: PartOrder, life: str = "") -> RecordedPart:
        """Speaks a part as long as the process of the jobs that asks for it lives."""
        return await attended(super().record(order), self._jobs.end_of(life))

    async def hear_block(self, order: BlockOrder, life: str = "") -> Transcript:
        """Transcribes a block as long as the process of the jobs that asks for it lives."""
        return await attended(super().hear_block(order), self._jobs.end_of(life))

    async def read_profile(self) -> Profile:
        """Returns the profile, for the page: this application's arguments may name another than the settings."""
        return self.profile

    async def drain(self) -> None:
        """Refuses new work from now on; returns once all that has been accepted is done."""
        await self.admission.drain()

    def __serve_build_asgi_app__(self) -> FastAPI:
        return build_application(self)

    def __del__(self) -> None:
        if decoder := getattr(self, "_decoder", None):
            decoder.close()

    def check_health(self) -> None:
        """Called by Serve twice a second."""
        self._repeat_gauges()
