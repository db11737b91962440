"""A tiny Whisper with constructed weights: it ignores its input and always returns the same few words, cheaply."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from transformers import WhisperForConditionalGeneration

WORDS: Final = ("one", "two", "three", "four", "five", "six")
"""Transcript of every clip."""
END: Final = "<|endoftext|>"
START: Final = "<|startoftranscript|>"
TASKS: Final = (
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
SIZE: Final = 64
FEATURES: Final = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "sampling_rate": 16_000,
    "hop_length": 160,
    "chunk_length": 30,
    "n_fft": 400,
    "n_samples": 480_000,
    "nb_max_frames": 3_000,
    "padding_value": 0.0,
    "return_attention_mask": False,
}


def write_whisper(folder: Path, *, seed: int = 0) -> None:
    """Writes a CTranslate2 int8 checkpoint that `faster_whisper.WhisperModel(str(folder))` loads.

    It knows Whisper's languages and timestamps, detects English and ends after WORDS: a transcription
    takes a fraction of a second. The same seed gives the same weights.
    """
    import torch
    from ctranslate2.converters.transformers import WhisperLoader

    vocabulary = _vocabulary()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = _model(vocabulary)
        _chain(model, vocabulary)
    spec = WhisperLoader().get_model_spec(model)
    ids = {token: index for index, token in enumerate(vocabulary)}
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [ids[f"<|{code}|>"] for code in _languages()]
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.register_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    _write_tokenizer(folder, vocabulary)
    (folder / "preprocessor_config.json").write_text(json.dumps(FEATURES))


def _languages() -> list[str]:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return list(_LANGUAGE_CODES)


def _vocabulary() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    text = sorted(ByteLevel.alphabet()) + [f"Ġ{word}" for word in WORDS]
    text.append("")  # by this token CTranslate2 detects a multilingual vocabulary
    specials = [END, START, *(f"<|{code}|>" for code in _languages()), *TASKS]
    return text + specials + [f"<|{index * 0.02:.2f}|>" for index in range(1501)]


def _model(vocabulary: list[str]) -> "WhisperForConditionalGeneration":
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    start, end = vocabulary.index(START), vocabulary.index(END)
    config = WhisperConfig(
        vocab_size=len(vocabulary),
        d_model=SIZE,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=SIZE,
        decoder_ffn_dim=SIZE,
        bos_token_id=start,
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    return WhisperForConditionalGeneration(config).eval()


def _chain(model: "WhisperForConditionalGeneration", vocabulary: list[str]) -> None:
    # A dimension for each token of the chain; the decoder's feed-forward turns each into its successor. Truly
    # random weights would babble up to the length limit, through every temperature.
    words = [f"Ġ{word}" for word in WORDS]
    chain = [START, "<|en|>", "<|transcribe|>", "<|0.00|>", *words, END, "<|notimestamps|>"]
    successors = {chain.index("<|notimestamps|>"): chain.index(words[0])}
    successors |= {index: index + 1 for index in range(chain.index(END))}
    decoder = model.model.decoder
    layer = decoder.layers[0]
    for dimension, token in enumerate(chain):
        decoder.embed_tokens.weight[vocabulary.index(token), dimension] += 1
    hot = SIZE**0.5  # the layer norm's output for a single 1
    layer.fc1.bias.fill_(-hot / 2)
    layer.fc1.weight.zero_()
    layer.fc2.weight.zero_()
    for dimension, successor in successors.items():
        layer.fc1.weight[dimension, dimension] = 1
        layer.fc2.weight[dimension, dimension] = -2 / hot
        layer.fc2.weight[successor, dimension] = 2 / hot
    decoder.layer_norm.weight.fill_(4)  # logits large enough to outweigh all unused tokens
    model.proj_out.weight = decoder.embed_tokens.weight


def _write_tokenizer(folder: Path, vocabulary: list[str]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    end = vocabulary.index(END)
    text = {token: index for index, token in enumerate(vocabulary[:end])}
    tokenizer = Tokenizer(models.BPE(vocab=text, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in vocabulary[end:]])
    tokenizer.save(str(folder / "tokenizer.json"))
