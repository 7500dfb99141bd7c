"""Members trained side by side end as they would one by one."""

from copy import deepcopy

import pytest
import torch

from genelight.errors import InputError
from genelight.models.recipe import Recipe
from genelight.models.subspace.exact import GeneSpace
from genelight.models.training.loop import train
from genelight.models.training.network import Stack
from genelight.models.training.starts import STARTS
from genelight.models.training.together import Member, train_together

INPUTS = 20


def member(seed: int, *, samples: int = 50, activation: str = "prelu", tied: bool = False) -> Member:
    net = Stack(INPUTS, (8, 4, 8) if tied else (8, 4), activation, tied=tied)
    STARTS["random"](net, GeneSpace.plain(INPUTS), None, seed=seed)
    c_nk = torch.randn((samples, INPUTS), generator=torch.Generator().manual_seed(seed))
    return Member(net, c_nk - c_nk.mean(0), seed)


def weights(net: Stack) -> torch.Tensor:
    return torch.cat([p.flatten() for p in net.parameters()]).detach()


@torch.no_grad()
def error(member: Member) -> float:
    return float(((member.net(member.c_nk) - member.c_nk) ** 2).mean())


@pytest.mark.parametrize("activation", ["prelu", "relu", "gelu", "sigmoid", "topk"])
@pytest.mark.parametrize("settings", [{}, {"sparsity": 0.1}, {"nonnegative": True}, {"stop": 3}])
def test_together_as_one_by_one(activation, settings):
    recipe = Recipe(1e-2, epochs=5, batch=16, **settings)
    members = [member(seed, activation=activation) for seed in range(3)]
    alone = [deepcopy(each) for each in members]
    train_together(members, recipe, genes=INPUTS)
    for ours, one in zip(members, alone, strict=True):
        before = weights(one.net)
        train(one.net, one.c_nk, recipe, genes=INPUTS, seed=one.seed)
        torch.testing.assert_close(weights(ours.net), weights(one.net), rtol=1e-3, atol=1e-4)
        assert (weights(one.net) - before).abs().max() > 0.01


def test_tied_weights_stay_tied():
    members = [member(seed, tied=True) for seed in range(2)]
    alone = deepcopy(members[1])
    recipe = Recipe(1e-2, epochs=3, batch=16)
    train_together(members, recipe, genes=INPUTS)
    train(alone.net, alone.c_nk, recipe, genes=INPUTS, seed=alone.seed)
    torch.testing.assert_close(weights(members[1].net), weights(alone.net), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("settings", [{"noise": 0.5}, {"dropout": 0.2}])
def test_what_is_drawn_in_a_step_is_each_members_own(settings):
    recipe = Recipe(1e-2, epochs=2, batch=16, **settings)
    members = [member(seed) for seed in range(2)]
    alone = deepcopy(members[1])
    train_together(members, recipe, genes=INPUTS)
    train(alone.net, alone.c_nk, recipe, genes=INPUTS, seed=alone.seed)
    assert torch.equal(weights(members[1].net), weights(alone.net))


def test_members_of_other_lengths_all_learn():
    members = [member(seed, samples=samples) for seed, samples in enumerate((30, 50, 81))]
    before = [error(each) for each in members]
    train_together(members, Recipe(1e-2, epochs=40, batch=16), genes=INPUTS)
    after = [error(each) for each in members]
    assert all(b < 0.7 * a for a, b in zip(before, after, strict=True))


def test_one_that_diverges_is_named():
    members = [member(0), member(1)]
    members[1].c_nk[:] *= 1e18
    with pytest.raises(InputError, match=r"training of member \d diverged.*learning_rate below 1000"):
        train_together(members, Recipe(1e3, epochs=5, batch=16), genes=INPUTS)
