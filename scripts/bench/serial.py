"""The baseline: one take at a time by transformers' own `generate`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from deployments.llasa.protocol import Codes, Sampling
from deployments.llasa.vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class _OnlySpeech(LogitsProcessor):  # type: ignore[misc]
    """Adds minus infinity to all but the codes and END: one addition, the cheapest restriction."""

    def __init__(self, vocabulary: Vocabulary, device: torch.device) -> None:
        self._mask = torch.full((len(vocabulary.order),), -torch.inf, device=device)
        self._mask[torch.from_numpy(vocabulary.order[: vocabulary.end + 1])] = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return scores + self._mask.to(scores.dtype)


@dataclass(frozen=True)
class SerialTake:
    """Arguments of `generate`."""

    prompt: list[int]
    """Engine ids."""
    min_codes: int
    max_codes: int
    sampling: Sampling


class SerialSpeaker:
    """A Llasa as published, with its whole vocabulary in its head, in the order of its tokenizer."""

    def __init__(self, model: "LlamaForCausalLM", vocabulary: Vocabulary) -> None:
        self._model = model
        self._vocabulary = vocabulary
        self._only_speech = _OnlySpeech(vocabulary, model.device)

    def speak(self, take: SerialTake) -> Codes:
        """Returns the take's codes, without END."""
        vocabulary, sampling = self._vocabulary, take.sampling
        end = int(vocabulary.order[vocabulary.end])
        prompt = torch.from_numpy(vocabulary.order[take.prompt])[None].to(self._model.device)
        torch.manual_seed(sampling.seed)
        with torch.inference_mode():
            whole = self._model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                do_sample=True,
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
                repetition_penalty=sampling.repetition_penalty,
                min_new_tokens=take.min_codes,
                max_new_tokens=take.max_codes,
                eos_token_id=end,
                pad_token_id=end,
                logits_processor=LogitsProcessorList([self._only_speech]),
            )[0, len(take.prompt) :]
        ids = vocabulary.engine_ids[whole.cpu().numpy()]
        codes: Codes = ids[ids != vocabulary.end].astype(np.int32)
        return codes
