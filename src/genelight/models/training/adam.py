"""Adam on the parameters of a network (Kingma and Ba 2014, doi 10.48550/arXiv.1412.6980)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.optim.adam import adam

__all__ = ["Adam"]

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Adam:
    """PyTorch's fused step: one pass over weights, gradients and both moments.

    It goes by the function behind ``torch.optim.Adam``, to the bit the same. To make one of the class imports PyTorch's
    compiler, which nothing here uses and which takes three seconds of a first fit.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.moments = [
            {
                "step": torch.zeros((), device=p.device),
                "exp_avg": torch.zeros_like(p),
                "exp_avg_sq": torch.zeros_like(p),
            }
            for p in self.parameters
        ]

    @torch.no_grad()
    def step(self, rate: float, *, momentum: float = 0.9, decay: float = 0.0) -> None:
        """Move every parameter that has a gradient, and take the gradients off.

        Parameters
        ----------
        rate
            Length of a step.
        momentum
            How much of the mean gradient stays from one step to the next.
        decay
            Weight decay apart from the gradient, as in AdamW (doi 10.48550/arXiv.1711.05101).
        """
        moved = [(p, moments) for p, moments in zip(self.parameters, self.moments, strict=True) if p.grad is not None]
        if decay:
            for p, _ in moved:
                p.mul_(1.0 - rate * decay)
        steps, means, squares = ([moments[key] for _, moments in moved] for key in MOMENTS)
        adam(
            [p for p, _ in moved],
            [p.grad for p, _ in moved if p.grad is not None],
            means,
            squares,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=momentum,
            beta2=0.999,
            lr=rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
        for p, _ in moved:
            p.grad = None

    def state(self) -> dict[str, torch.Tensor]:
        """Its moments by name."""
        return {f"{i}.{key}": value for i, moments in enumerate(self.moments) for key, value in moments.items()}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Take up moments that :meth:`state` gave."""
        for name, value in self.state().items():
            value.copy_(state[name])
