"""The optimizer is PyTorch's, without its compiler."""

import subprocess
import sys
from copy import deepcopy

import torch

from genelight.models.training.adam import Adam


def steps(net: torch.nn.Module, move) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    for i in range(5):
        x = torch.randn((8, 6), generator=draw)
        (net(x) ** 2).sum().backward()
        move(10.0**-i)
    return [p.detach() for p in net.parameters()]


def test_it_moves_as_the_class_of_torch_does():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.PReLU(4))
    peer = deepcopy(net)
    theirs = torch.optim.Adam(peer.parameters(), fused=True)

    def move(rate: float) -> None:
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
        theirs.zero_grad()

    for ours, wanted in zip(steps(net, Adam(net.parameters()).step), steps(peer, move), strict=True):
        assert torch.equal(ours, wanted)


def test_what_has_no_gradient_stays():
    used, unused = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = Adam([unused, used])
    used.sum().backward()
    optimizer.step(0.1)
    assert torch.equal(unused, torch.ones(2))
    assert not torch.equal(used, torch.ones(2))
    assert used.grad is None


def test_a_fit_does_not_import_the_compiler():
    code = (
        "import sys, genelight as gl; from genelight import simulate;"
        "gl.fit(simulate.cohort(20, n_genes=400), widths=(4,), epochs=1);"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
