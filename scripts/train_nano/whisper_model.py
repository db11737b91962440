"""The nano Whisper: its words, its weights, and a forward pass for clips shorter than thirty seconds."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedTokenizerFast, WhisperConfig, WhisperForConditionalGeneration
from transformers.audio_utils import mel_filter_bank

from .vocabulary import KNOWN

LAYERS: Final = (3, 2)
WIDTH, HEADS = 160, 4
_SPECIAL: Final = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]
_MEL: Final = torch.tensor(
    np.asarray(mel_filter_bank(201, 80, 0, 8000, 16000, norm="slaney", mel_scale="slaney")), dtype=torch.float32
)
_WINDOW: Final = torch.hann_window(400)


def tokenizer() -> PreTrainedTokenizerFast:
    """A token a word with its space, and letters for the rest: ` z` begins a word that `z` goes on with."""
    letters = "abcdefghijklmnopqrstuvwxyz'"
    entries = [f" {word}" for word in KNOWN] + [f" {c}" for c in letters if c not in KNOWN] + list(letters)
    words = Tokenizer(models.WordLevel({entry: i for i, entry in enumerate(entries)}, unk_token="'"))
    words.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(Regex(r"[^a-z' ]"), "'")])
    known = "|".join(sorted(KNOWN, key=len, reverse=True))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(rf" (?:{known})(?![a-z'])| ?[a-z']"), "isolated")
    words.decoder = decoders.Fuse()
    words.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in _SPECIAL])
    words.add_special_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", special=True, normalized=False) for i in range(1501)])
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<|startoftranscript|>", eos_token=end, unk_token=end, pad_token=end
    )


def sounds_of(words: PreTrainedTokenizerFast, lexicon: dict[str, str]) -> Tensor:
    """[vocabulary, features] of length one: a word's first two and last two sounds, and those of either half.

    Words' vectors that are partly made of these let a word that is rare be known by its sounds.
    """
    symbols = {symbol: i for i, symbol in enumerate(sorted(set("".join(lexicon.values()))))}
    ids, features = words.get_vocab(), torch.zeros(len(words), 6, len(symbols))
    for word in KNOWN:
        said = lexicon[word]
        row, middle = features[ids[f" {word}"]], (len(said) + 1) // 2
        for part, sounds in enumerate((said[0], said[1:2], said[-2:-1], said[-1], said[:middle], said[-middle:])):
            for sound in sounds:
                row[part, symbols[sound]] += 1
    flat = features.flatten(1)
    scaled: Tensor = flat / flat.norm(dim=1, keepdim=True).clamp(min=1)
    return scaled


def build(words: PreTrainedTokenizerFast) -> WhisperForConditionalGeneration:
    start, end = words.convert_tokens_to_ids(["<|startoftranscript|>", "<|endoftext|>"])
    ends = {"bos_token_id": start, "eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": start}
    config = WhisperConfig(
        vocab_size=len(words),
        d_model=WIDTH,
        encoder_layers=LAYERS[0],
        decoder_layers=LAYERS[1],
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=4 * WIDTH,
        decoder_ffn_dim=4 * WIDTH,
        num_mel_bins=80,
        max_source_positions=1500,
        max_target_positions=448,
        dropout=0.0,
        suppress_tokens=[],
        begin_suppress_tokens=[],
        **ends,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(suppress_tokens=[], begin_suppress_tokens=[], max_length=128, **ends)
    model.generation_config.prev_sot_token_id = None  # it is not trained with prompts
    model.generation_config.alignment_heads = [[LAYERS[1] - 1, head] for head in range(3)]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2 and "embed" not in name:
                scale = 0.4 if name.endswith(("out_proj.weight", "fc2.weight")) else 1.0
                parameter.normal_(0, scale * parameter.shape[1] ** -0.5)
            elif parameter.dim() == 3:
                parameter.normal_(0, parameter[0].numel() ** -0.5)
        model.model.decoder.embed_tokens.weight.normal_(0, 0.05)
        model.model.decoder.embed_positions.weight.normal_(0, 0.02)
        model.model.encoder.embed_positions.weight.mul_(0.3)
    return model


def log_mel(waves: Tensor) -> Tensor:
    """[batch, samples] to [batch, 80, samples / 160], as Whisper's extractor has it."""
    power = torch.stft(waves, 400, 160, window=_WINDOW.to(waves.device), return_complex=True)[..., :-1].abs() ** 2
    log = torch.log10((_MEL.T.to(waves.device) @ power).clamp(min=1e-10))
    log = torch.maximum(log, log.amax((1, 2), keepdim=True) - 8.0)
    return (log + 4.0) / 4.0


def listen(model: WhisperForConditionalGeneration, mel: Tensor, offset: int = 0) -> Tensor:
    """The encoder on any length; `offset` moves it along the thirty seconds."""
    encoder = model.model.encoder
    hidden = nn.functional.gelu(encoder.conv2(nn.functional.gelu(encoder.conv1(mel)))).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[offset : offset + hidden.shape[1]]
    for layer in encoder.layers:
        normal = layer.self_attn_layer_norm(hidden)
        hidden = hidden + _attend(layer.self_attn, normal, normal)[0]
        hidden = hidden + layer.fc2(nn.functional.gelu(layer.fc1(layer.final_layer_norm(hidden))))
    return torch.as_tensor(encoder.layer_norm(hidden))


def write(
    model: WhisperForConditionalGeneration, heard: Tensor, ids: Tensor, table: Tensor | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Logits, and every layer's cross-attention [batch, heads, ids, positions]. `table`: other words' vectors."""
    decoder = model.model.decoder
    table = decoder.embed_tokens.weight if table is None else table
    hidden = table[ids] + decoder.embed_positions.weight[: ids.shape[1]]
    looks = []
    for layer in decoder.layers:
        normal = layer.self_attn_layer_norm(hidden)
        hidden = hidden + _attend(layer.self_attn, normal, normal, causal=True)[0]
        said, look = _attend(layer.encoder_attn, layer.encoder_attn_layer_norm(hidden), heard, weights=True)
        looks.append(look)
        hidden = hidden + said
        hidden = hidden + layer.fc2(nn.functional.gelu(layer.fc1(layer.final_layer_norm(hidden))))
    return decoder.layer_norm(hidden) @ table.T, looks


def _attend(
    attention: nn.Module, x: Tensor, memory: Tensor, causal: bool = False, weights: bool = False
) -> tuple[Tensor, Tensor]:
    def heads(y: Tensor) -> Tensor:
        return y.view(y.shape[0], y.shape[1], HEADS, -1).transpose(1, 2)

    q, k, v = heads(attention.q_proj(x)), heads(attention.k_proj(memory)), heads(attention.v_proj(memory))  # type: ignore[operator]
    look = torch.empty(0)
    if weights:
        look = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(-1)
        mixed = look @ v
    else:
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return attention.out_proj(mixed.transpose(1, 2).flatten(2)), look  # type: ignore[operator]


def save(model: WhisperForConditionalGeneration, words: PreTrainedTokenizerFast, folder: Path) -> None:
    """As transformers has it; CTranslate2's converter takes it from there."""
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    extractor = {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 80,
        "sampling_rate": 16000,
        "hop_length": 160,
        "chunk_length": 30,
        "n_fft": 400,
        "padding_value": 0.0,
        "return_attention_mask": False,
        "n_samples": 480000,
        "nb_max_frames": 3000,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor, indent=2))
