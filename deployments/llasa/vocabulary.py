"""Maps token ids to engine ids, in which the speech codes come first."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.errors import Unavailable

TEXT_START = "<|TEXT_UNDERSTANDING_START|>"
TEXT_END = "<|TEXT_UNDERSTANDING_END|>"
SPEECH_START = "<|SPEECH_GENERATION_START|>"
SPEECH_END = "<|SPEECH_GENERATION_END|>"


@dataclass(frozen=True)
class Vocabulary:
    """The engine's vocabulary: the codes first, then END, then every other token.

    With the rows of the embedding in this order, an engine id below `codec_size` *is* a code, and a head with only the
    first `codec_size + 1` rows can sample only codes and END.
    """

    codec_size: int
    """Number of codes of the codec: 65 536 for the real one."""
    order: NDArray[np.int64]
    """[vocabulary] token id of each engine id."""
    engine_ids: NDArray[np.int64]
    """[vocabulary] engine id of each token id: the inverse of `order`."""

    @property
    def end(self) -> int:
        """Engine id of END."""
        return self.codec_size

    @classmethod
    def of(cls, tokens: Mapping[str, int], size: int) -> "Vocabulary":
        """Finds the speech tokens.

        Args:
            tokens: Token ids of the checkpoint's tokenizer, by token.
            size: Rows of the model's embedding, at least the tokenizer's length.

        Raises:
            Unavailable: the tokenizer is not Llasa's: markers are missing, or the codes are not contiguous.
        """
        missing = [marker for marker in (TEXT_START, TEXT_END, SPEECH_START, SPEECH_END) if marker not in tokens]
        if missing or "<|s_0|>" not in tokens:
            raise Unavailable(
                f"The tokenizer of this checkpoint lacks {', '.join(missing) or 'speech tokens'}: it is not a Llasa."
            )
        first, count = tokens["<|s_0|>"], 0
        while tokens.get(f"<|s_{count}|>") == first + count:
            count += 1
        if f"<|s_{count}|>" in tokens:
            raise Unavailable(
                f"The speech tokens of this checkpoint are not contiguous: <|s_{count}|> is out of place."
            )
        speech = np.arange(first, first + count)
        end = tokens[SPEECH_END]
        rest = np.setdiff1d(np.arange(size), np.append(speech, end))
        order = np.concatenate([speech, [end], rest])
        return cls(codec_size=count, order=order, engine_ids=np.argsort(order))
