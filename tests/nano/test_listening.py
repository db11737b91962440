"""Where the Whisper should look, and what words sound like."""

import torch

from scripts.train_nano import whisper_model
from scripts.train_nano.vocabulary import KNOWN
from scripts.train_nano.whisper import looking

SPANS = torch.tensor([[[-1, -1], [10, 20], [20, 36]]])


def attention(first: list[int], last: list[int]) -> list[torch.Tensor]:
    """Two layers of four heads, all of whose heads look at one position for every id."""
    looks = []
    for positions in (first, last):
        look = torch.zeros(1, 4, 3, 50)
        for column, position in enumerate(positions):
            look[0, :, column, position] = 1
        looks.append(look)
    return looks


def test_the_first_layer_is_to_find_the_word_written_and_the_last_the_next() -> None:
    right = looking(attention([0, 0, 16], [0, 15, 28]), SPANS)
    wrong = looking(attention([0, 0, 28], [0, 15, 28]), SPANS)
    assert abs(right) < 0.01
    assert wrong > 1


def test_words_that_sound_alike_have_vectors_alike() -> None:
    words = whisper_model.tokenizer()
    lexicon = dict.fromkeys(KNOWN, "ZZ") | {"cat": "KÆT", "hat": "HÆT", "moon": "MɄN"}
    features, ids = whisper_model.sounds_of(words, lexicon), words.get_vocab()
    cat, hat, moon = (features[ids[f" {word}"]] for word in ("cat", "hat", "moon"))
    assert torch.allclose(cat.norm(), torch.tensor(1.0))
    assert cat @ hat > 0.5 > cat @ moon
    assert not features[ids["<|endoftext|>"]].any()
