"""Loads a Llasa checkpoint and reorders its vocabulary for the engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.errors import Unavailable
from deployments.llasa.prompt import PromptBuilder
from deployments.llasa.tokenizer import LlasaTokenizer
from deployments.llasa.vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


@dataclass(frozen=True)
class Checkpoint:
    """A model that uses engine ids, with its vocabulary and prompts."""

    model: "LlamaForCausalLM"
    vocabulary: Vocabulary
    prompts: PromptBuilder


def load_checkpoint(path: str, device: str = "cpu") -> Checkpoint:
    """Loads a Llasa from a local folder: bfloat16 on a GPU; float32 on a CPU, where linear layers in float16 stay so.

    Raises:
        Unavailable: files are missing, or the weights do not fit the classes.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from scripts.bench.paged_engine.linear import halve

    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    try:
        tokenizer = LlasaTokenizer.read(Path(path))
        stored = LlamaConfig.from_pretrained(path, local_files_only=True).dtype
        model, info = LlamaForCausalLM.from_pretrained(
            path, dtype=dtype, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # each library involved has its own kinds
        raise Unavailable(f"The Llasa checkpoint at {path} cannot be loaded: {error}") from error
    wrong = sorted(info["missing_keys"]) + sorted(info["unexpected_keys"])
    if wrong:
        raise Unavailable(f"The Llasa checkpoint at {path} does not fit LlamaForCausalLM: {', '.join(wrong[:5])}.")
    vocabulary = Vocabulary.of(tokenizer.tokens, model.get_input_embeddings().num_embeddings)
    reorder(model, vocabulary)
    _fuse_norms(model)
    if device == "cpu" and stored == torch.float16:
        halve(model)
    return Checkpoint(model.to(device).eval(), vocabulary, PromptBuilder(tokenizer, vocabulary))


def reorder(model: "LlamaForCausalLM", vocabulary: Vocabulary) -> None:
    """Reorders the embedding for the engine and reduces the head to the codes and END."""
    import torch
    from torch import nn

    order = torch.from_numpy(vocabulary.order)
    sampled = order[: vocabulary.end + 1]
    with torch.no_grad():
        head = model.lm_head.weight[sampled]  # read first: a tied head is the embedding itself
        model.set_input_embeddings(nn.Embedding.from_pretrained(model.get_input_embeddings().weight[order]))
        model.lm_head = nn.Linear(head.shape[1], head.shape[0], bias=False, dtype=head.dtype)
        model.lm_head.weight.copy_(head)
    model.requires_grad_(False)
    model.config.tie_word_embeddings = False
    model.config.vocab_size = head.shape[0]


def _fuse_norms(model: "LlamaForCausalLM") -> None:
    """Replaces transformers' RMSNorm, which takes six operations, by torch's, which is one."""
    from torch import nn
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    for parent in list(model.modules()):
        for name, norm in parent.named_children():
            if isinstance(norm, LlamaRMSNorm):
                fused = nn.RMSNorm(norm.weight.shape, eps=norm.variance_epsilon, dtype=norm.weight.dtype)
                fused.weight = norm.weight
                setattr(parent, name, fused)
