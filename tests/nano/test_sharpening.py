import torch
from torch import nn

from scripts.train_nano.frames import BINS
from scripts.train_nano.sharpening import sharpen


def cepstra(log_magnitudes: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(torch.fft.irfft(log_magnitudes, 2 * (BINS - 1))[:, :BINS])


def test_spectra_deviate_further_from_their_mean_and_the_pitch_is_as_it_was() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head, states = nn.Linear(800, BINS + 5), torch.randn(500, 800)
    made = head(states)[:, :BINS].detach()
    loud = made.mean(1) > made.mean()
    wanted = made + 0.5 * (made - made[loud].mean(0))  # half as much again

    before = head(states).detach()
    sharpen(head, made, wanted)
    after = head(states).detach()

    assert torch.equal(before[:, BINS:], after[:, BINS:])
    assert torch.allclose(before[loud, :BINS].mean(0), after[loud, :BINS].mean(0), atol=1e-4)
    ratio = cepstra(after[loud, :BINS]).std(0) / cepstra(before[loud, :BINS]).std(0)
    assert torch.allclose(ratio[1:60], torch.tensor(1.5**1.8), rtol=1e-3)
    assert torch.allclose(ratio[60:], torch.tensor(1.0), rtol=1e-3)
