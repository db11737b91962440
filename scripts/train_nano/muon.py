"""Muon for matrices, AdamW for the rest: on two slow cores it halves the steps to speech."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor


class Muon:
    """Momentum whose matrices are made orthogonal (five Newton-Schulz steps), in stacks of equal shape."""

    def __init__(self, matrices: Iterable[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.0) -> None:
        self.matrices, self.lr, self._mu, self._decay = list(matrices), lr, momentum, decay
        self._buffers = [torch.zeros_like(m) for m in self.matrices]
        self._stacks: dict[tuple[int, int], list[int]] = {}
        for i, m in enumerate(self.matrices):
            rows, columns = m.shape[0], m.numel() // m.shape[0]
            self._stacks.setdefault((min(rows, columns), max(rows, columns)), []).append(i)

    @torch.no_grad()
    def step(self, scale: float) -> None:
        for (_short, long), members in self._stacks.items():
            grads = []
            for i in members:
                matrix, buffer = self.matrices[i], self._buffers[i]
                if matrix.grad is None:
                    matrix.grad = torch.zeros_like(matrix)
                buffer.mul_(self._mu).add_(matrix.grad, alpha=1 - self._mu)
                flat = (matrix.grad * (1 - self._mu) + buffer * self._mu).flatten(1)
                grads.append(flat if flat.shape[0] <= flat.shape[1] else flat.T)
            updates = _orthogonal(torch.stack(grads))
            size = 0.07 * math.sqrt(long)  # an update's entries are then as large as Adam's
            for i, update in zip(members, updates, strict=False):
                matrix = self.matrices[i]
                update = update if matrix.shape[0] <= matrix.numel() // matrix.shape[0] else update.T
                matrix.mul_(1 - self.lr * scale * self._decay)
                matrix.add_(update.reshape(matrix.shape), alpha=-self.lr * scale * size)

    def zero_grad(self) -> None:
        for matrix in self.matrices:
            matrix.grad = None

    def state(self) -> list[Tensor]:
        return [buffer.half() for buffer in self._buffers]

    def load(self, state: list[Tensor]) -> None:
        for buffer, saved in zip(self._buffers, state, strict=False):
            buffer.copy_(saved)


def _orthogonal(stack: Tensor) -> Tensor:
    x = stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
    return torch.as_tensor(x)


class Optimiser:
    """Both together under one schedule: warm up, hold, one decay to nothing."""

    def __init__(
        self, matrices: list[Tensor], rest: list[Tensor], muon_lr: float, adam_lr: float, hold: float = 0.6
    ) -> None:
        self._muon = Muon(matrices, muon_lr, decay=0.01)
        self._adam = torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.0)
        self._adam_lr, self._hold, self.steps = adam_lr, hold, 0

    def step(self, done: float) -> None:
        """`done`: the share of the training behind us."""
        scale = min(1.0, (self.steps + 1) / 60)
        scale *= 1.0 if done < self._hold else 0.02 + 0.98 * max(0.0, 1 - done) / (1 - self._hold)
        torch.nn.utils.clip_grad_norm_([p for g in self._adam.param_groups for p in g["params"]], 1.0)
        for group in self._adam.param_groups:
            group["lr"] = self._adam_lr * scale
        self._adam.step()
        self._muon.step(scale)
        self._adam.zero_grad()
        self._muon.zero_grad()
        self.steps += 1

    def state(self) -> dict[str, object]:
        return {"muon": self._muon.state(), "adam": self._adam.state_dict(), "steps": self.steps}

    def load(self, state: dict[str, object]) -> None:
        self._muon.load(state["muon"])  # type: ignore[arg-type]
        self._adam.load_state_dict(state["adam"])  # type: ignore[arg-type]
        self.steps = int(state["steps"])  # type: ignore[call-overload]
