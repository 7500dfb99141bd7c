"""Which torch this is, for those who may not import it."""

from __future__ import annotations

__all__ = ["torch_build"]


def torch_build() -> dict[str, str | int]:
    """Version, threads and accelerators of the installed torch, in plain values.

    Examples
    --------
    >>> from genelight.models.build import torch_build
    >>> sorted(torch_build())
    ['accelerator', 'threads', 'version']
    """
    import torch

    cuda = f"CUDA {torch.version.cuda}" if torch.version.cuda else "built for CPUs"
    used = f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ", no GPU in use"
    return {"version": torch.__version__, "accelerator": cuda + used, "threads": torch.get_num_threads()}
