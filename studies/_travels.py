"""Ways to learn what holds in every cohort, for the study of response; each is chosen inside the training cohorts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.optimize import nnls

import genelight as gl
from genelight.nodes import light_up, reproducibility
from genelight.patients._response_cohorts import SIGNATURES, Cohorts
from genelight.patients._response_programmes import Programmes
from genelight.patients._response_rules import SIGNATURE, Bench, auc_t, centred

Learn = Callable[["Sides", Sequence[int], float], np.ndarray]
PENALTIES = (0.1, 1.0, 10.0)
CODES, STEPS, RATE, HIDDEN, DROPPED = 8, 150, 0.03, 16, 0.2
PRESENT, LEADING, AXES = 0.8, 30, 3


class Sides:
    """What is read of each patient (cohorts' means taken out, standard deviations), response and cohort."""

    def __init__(self, f_nk: np.ndarray, bench: Bench) -> None:
        f_nk = centred(f_nk, bench.cohort_n)
        self.f_nk = f_nk / np.maximum(f_nk.std(0), 1e-9)
        self.y_n, self.cohort_n, self.cohorts = bench.y_nt[:, 0], bench.cohort_n, bench.cohorts

    def rows(self, cohorts_c: Sequence[int]) -> np.ndarray:
        """Of some cohorts."""
        return np.isin(self.cohort_n, cohorts_c)

    def target(self, cohorts_c: Sequence[int]) -> np.ndarray:
        """Response less the cohort's share."""
        rows = self.rows(cohorts_c)
        return centred(self.y_n[rows][:, None], self.cohort_n[rows])[:, 0]


def nested(sides: Sides, learn: Learn, settings: Sequence[float] = PENALTIES) -> np.ndarray:
    """Scores of every cohort by the others; the setting is the best on cohorts left out of these in turn."""
    score_n = np.full(len(sides.y_n), np.nan)
    for out in range(sides.cohorts):
        rest = [c for c in range(sides.cohorts) if c != out]
        value_s = [np.average(*_inside(sides, learn, rest, setting=setting)) for setting in settings]
        rows = sides.rows([out])
        score_n[rows] = sides.f_nk[rows] @ learn(sides, rest, settings[int(np.argmax(value_s))])
    return score_n


def _inside(sides: Sides, learn: Learn, rest: Sequence[int], *, setting: float) -> tuple[list[float], None, list[int]]:
    value, weight = [], []
    for d in rest:
        rows = sides.rows([d])
        weight_k = learn(sides, [c for c in rest if c != d], setting)
        value.append(float(auc_t((sides.f_nk[rows] @ weight_k)[:, None], sides.y_n[rows][:, None])[0]))
        weight.append(int(rows.sum()))
    return value, None, weight


def ridge(sides: Sides, cohorts_c: Sequence[int], penalty: float) -> np.ndarray:
    """Ridge regression of response on all that is read."""
    f_nk = sides.f_nk[sides.rows(cohorts_c)]
    gram_kk = f_nk.T @ f_nk / len(f_nk)
    right_k = f_nk.T @ sides.target(cohorts_c) / len(f_nk)
    return np.linalg.solve(gram_kk + penalty * np.eye(len(gram_kk)), right_k)


def group_dro(sides: Sides, cohorts_c: Sequence[int], penalty: float) -> np.ndarray:
    """Ridge regression in which the cohort that is fitted worst weighs most (Sagawa et al. 2020)."""
    blocks = [(sides.f_nk[sides.rows([c])], sides.target([c])) for c in cohorts_c]
    grams = [f.T @ f / len(f) for f, _ in blocks]
    rights = [f.T @ y / len(f) for f, y in blocks]
    share_c = np.full(len(blocks), 1 / len(blocks))
    weight_k = np.zeros(sides.f_nk.shape[1])
    for _ in range(20):
        gram = np.einsum("c,cjk->jk", share_c, grams)
        weight_k = np.linalg.solve(gram + penalty * np.eye(len(gram)), share_c @ np.array(rights))
        loss_c = np.array([np.mean((y - f @ weight_k) ** 2) / np.mean(y**2) for f, y in blocks])
        share_c = share_c * np.exp(0.5 * loss_c)
        share_c /= share_c.sum()
    return weight_k


def stable_direction(sides: Sides, cohorts_c: Sequence[int], penalty: float) -> np.ndarray:
    """Mean difference over cohorts through the inverse of how differences vary between cohorts."""
    effect_ck = []
    for c in cohorts_c:
        f_nk, y_n = sides.f_nk[sides.rows([c])], sides.y_n[sides.rows([c])]
        effect_ck.append(f_nk[y_n == 1].mean(0) - f_nk[y_n == 0].mean(0))
    effects = np.array(effect_ck)
    spread_kk = np.cov(effects.T)
    scale = float(np.trace(spread_kk)) / len(spread_kk)
    return np.linalg.solve(spread_kk + penalty * scale * np.eye(len(spread_kk)), effects.mean(0))


def no_sign_turned(sides: Sides, cohorts_c: Sequence[int], penalty: float) -> np.ndarray:
    """Least squares with no weight below zero, drawn towards the first score alone.

    For scores with the signs of their papers, the signature being the first.
    """
    f_nk, y_n = sides.f_nk[sides.rows(cohorts_c)], sides.target(cohorts_c)
    prior_k = np.zeros(f_nk.shape[1])
    prior_k[0] = max(f_nk[:, 0] @ y_n / (f_nk[:, 0] @ f_nk[:, 0]), 0.0)
    root = np.sqrt(penalty * len(y_n))
    return nnls(np.vstack([f_nk, root * np.eye(len(prior_k))]), np.r_[y_n, root * prior_k])[0]


def adversarial(sides: Sides, cohorts_c: Sequence[int], strength: float) -> np.ndarray:
    """Eight linear codes that tell response, learned against a network that tells the cohort from them.

    Gradients of the adversary are reversed (Ganin et al. 2016, doi 10.48550/arXiv.1505.07818). Cohorts' means are out
    already, so a linear adversary is at chance: this one has a hidden layer with offsets (without these it would be
    an odd function, blind to spread), and sees spreads and shapes.
    """
    import torch
    from torch.nn import functional

    rows = sides.rows(cohorts_c)
    generator = torch.Generator().manual_seed(0)
    x = torch.tensor(sides.f_nk[rows], dtype=torch.float32)
    y = torch.tensor(sides.target(cohorts_c), dtype=torch.float32)
    where = torch.tensor(np.unique(sides.cohort_n[rows], return_inverse=True)[1])
    shapes = ((x.shape[1], CODES), (CODES,), (CODES, HIDDEN), (HIDDEN, len(cohorts_c)))
    parts = [(torch.randn(s, generator=generator) / s[0] ** 0.5).requires_grad_() for s in shapes]
    parts += [torch.zeros(s, requires_grad=True) for s in (HIDDEN, len(cohorts_c))]
    code, head, first, last, offset, offset_c = parts
    optimiser = torch.optim.Adam(parts, lr=RATE, weight_decay=1e-2)
    for _ in range(STEPS):
        h = (x * (torch.rand(x.shape, generator=generator) > DROPPED) / (1 - DROPPED)) @ code
        h = h / (h.std(0) + 1e-3)
        # The adversary learns from what it is told; the codes learn the opposite.
        seen = h.detach() * (1 + strength) - h * strength
        told = functional.cross_entropy(torch.tanh(seen @ first + offset) @ last + offset_c, where)
        loss = functional.mse_loss(h @ head, y) / y.var() + told
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return ((code / ((x @ code).std(0) + 1e-3)) @ head).numpy().astype(np.float64)


def robust_scores(bench: Bench, published_nk: np.ndarray | None) -> Iterator[tuple[str, np.ndarray]]:
    """Every way on the programmes, and signs held on published scores, by name."""
    sides = Sides(bench.f_nk, bench)
    yield "group DRO on programmes", nested(sides, group_dro)
    yield "difference less what differs by cohort", nested(sides, stable_direction, (0.3, 1.0, 3.0))
    yield "study-adversarial codes of programmes", nested(sides, adversarial, (0.0, 0.3, 1.0))
    if published_nk is not None:
        yield "published, no sign turned, drawn to the signature", nested(Sides(published_nk, bench), no_sign_turned)


def seen_again(model: gl.Model, others: Sequence[gl.Model], layer: str) -> np.ndarray:
    """Which nodes other trainings of the model find again at a false discovery rate of 0.05, shape ``(k,)``."""
    lit = light_up(model, layer)
    table = reproducibility(lit, [light_up(other, layer) for other in others], draws=20)
    return (table["q"] <= 0.05).to_numpy()


def present(found: Cohorts, model: gl.Model, layer: str) -> np.ndarray:
    """Whether a node's leading genes go together within each cohort more than 99 of 100 random lists do, ``(c, k)``.

    No response enters.
    """
    lit = light_up(model, layer)
    at = {gene: g for g, gene in enumerate(found.genes.ids)}
    common = np.flatnonzero(found.common_g)
    lists = [[at[lit.genes.ids[g]] for g in top if lit.genes.ids[g] in at] for top in lit.top_kn(LEADING)]
    lists = [[g for g in top if found.common_g[g]] for top in lists]
    rng = np.random.default_rng(0)
    drawn = [rng.choice(common, LEADING, replace=False) for _ in range(100)]
    there_ck = []
    for c in range(len(found.names)):
        z_ng = found.x_ng[found.cohort_n == c]
        z_ng = (z_ng - z_ng.mean(0)) / np.maximum(z_ng.std(0), 1e-6)
        bound = np.quantile([_together(z_ng[:, some]) for some in drawn], 0.99)
        there_ck.append([len(top) >= LEADING // 2 and _together(z_ng[:, top]) > bound for top in lists])
    return np.array(there_ck)


def _together(z_nm: np.ndarray) -> float:
    """Share of the variance of some genes along one axis, whatever their signs."""
    value = np.linalg.eigvalsh(z_nm @ z_nm.T)
    return float(value[-1] / value.sum())


def only_what_is_present(there_ck: np.ndarray) -> Learn:
    """Ridge on those that are present in four fifths of the training cohorts."""

    def learn(sides: Sides, cohorts_c: Sequence[int], penalty: float) -> np.ndarray:
        weight_k = ridge(sides, cohorts_c, penalty)
        kept_k = there_ck[list(cohorts_c)].mean(0) >= PRESENT
        if kept_k.any():
            some = object.__new__(Sides)
            some.__dict__ = {**sides.__dict__, "f_nk": sides.f_nk[:, kept_k]}
            weight_k = np.zeros(len(kept_k))
            weight_k[kept_k] = ridge(some, cohorts_c, penalty)
        return weight_k

    return learn


def at_equal_composition(f_nk: np.ndarray, composition: Programmes, cohort_n: np.ndarray) -> np.ndarray:
    """Programmes less what goes with the three leading axes of composition within cohorts; no response enters."""
    known_k = ~np.isnan(composition.f_nk).any(0) & ~np.isin(composition.names, list(SIGNATURES))
    z_nk = centred(composition.f_nk[:, known_k], cohort_n)
    axis_na = np.linalg.svd(z_nk / z_nk.std(0), full_matrices=False)[0][:, :AXES]
    f_nk = centred(f_nk, cohort_n)
    return f_nk - axis_na @ (axis_na.T @ f_nk)


def signature_first(scores: dict[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """Published scores side by side, the signature first."""
    return np.column_stack([scores[SIGNATURE], *(scores[name] for name in names)])
