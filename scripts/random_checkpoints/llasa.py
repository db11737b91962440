"""A tiny Llasa with random weights: every file and class of the real one, in a second."""

from pathlib import Path
from typing import Final

SPECIAL: Final = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
MARKERS: Final = tuple(
    f"<|{kind}_{edge}|>"
    for kind in ("TEXT_GENERATION", "TEXT_UNDERSTANDING", "SPEECH_GENERATION", "SPEECH_UNDERSTANDING")
    for edge in ("START", "END")
)

# The Llama 3.1 template without its tools.
TEMPLATE: Final = (
    "{{- bos_token }}"
    "{%- if not date_string is defined %}{%- set date_string = '26 Jul 2024' %}{%- endif %}"
    "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] | trim %}"
    "{%- set messages = messages[1:] %}{%- else %}{%- set system_message = '' %}{%- endif %}"
    "{{- '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: '"
    " + date_string + '\n\n' }}{{- system_message }}{{- '<|eot_id|>' }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim"
    " + '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)


# Training text of the tokenizer: enough for a prompt to have about as many tokens as with the real one.
_TEXTS: Final = (
    "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
    "system user assistant",
    "Convert the text to speech:",
    "The people of this town have known each other for many years, and there is little that they would not do for one "
    "another. When the first of them came here, they found water, wood and good earth; what more could they want?",
    "This is a sentence that says nothing in particular, but it has most of the words that others are made of.",
)


def write_llasa(
    folder: Path,
    *,
    codec_size: int = 2048,
    hidden_size: int = 192,
    layers: int = 4,
    end_bias: float = 0.95,
    seed: int = 0,
) -> None:
    """Writes a Llasa checkpoint with random weights: it babbles, and ends now and then.

    Args:
        folder: Created if missing; files in it are replaced.
        codec_size: Number of speech tokens: the codec's codes.
        hidden_size: Width, a multiple of 96.
        layers: Depth.
        end_bias: How much likelier END is than a code: at 0, takes run to their limit.
        seed: Seed of the weights.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokens = write_tokenizer(folder, codec_size)
    config = LlamaConfig(
        vocab_size=len(tokens),
        hidden_size=hidden_size,
        intermediate_size=3 * hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=hidden_size // 32,
        num_key_value_heads=max(1, hidden_size // 96),
        head_dim=32,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        bos_token_id=tokens[SPECIAL[0]],
        eos_token_id=tokens[SPECIAL[4]],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            # A common direction of all hidden states lets one row of the head stand out.
            shared = torch.nn.functional.normalize(torch.randn(hidden_size), dim=0)
            model.model.embed_tokens.weight.normal_(0, 1.0).add_(4.0 * shared)
            model.lm_head.weight.normal_(0, 2.0 * hidden_size**-0.5)
            model.lm_head.weight[tokens[MARKERS[5]]] = end_bias * shared
    model.half().save_pretrained(folder)  # as the embedded checkpoint: the engine computes with these very weights


def write_tokenizer(folder: Path, codec_size: int) -> dict[str, int]:
    """Writes a Llasa's tokenizer and template; returns its tokens' ids."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        _TEXTS, trainers.BpeTrainer(vocab_size=600, min_frequency=1, initial_alphabet=alphabet, show_progress=False)
    )
    backend.add_special_tokens(list(SPECIAL))
    backend.add_tokens([*MARKERS, *(f"<|s_{code}|>" for code in range(codec_size))])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>", chat_template=TEMPLATE
    )
    tokenizer.save_pretrained(folder)
    tokens: dict[str, int] = tokenizer.get_vocab()
    return tokens
