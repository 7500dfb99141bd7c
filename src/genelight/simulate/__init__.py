"""Data with known truth: cohorts, of genes and of other features, networks, gene sets, and compendia of any size.

Everything is drawn from the seed alone: the same arguments give the same numbers.

>>> from genelight import simulate
>>> adata = simulate.cohort(20, visits=2, n_genes=400)
>>> edges = simulate.network(adata)
>>> sets = simulate.sets(adata)
"""

from ._cohort import Nuisance, Programmes, cohort
from ._compendium import Compendium
from ._features import features
from ._priors import network, sets

__all__ = ["Compendium", "Nuisance", "Programmes", "cohort", "features", "network", "sets"]
