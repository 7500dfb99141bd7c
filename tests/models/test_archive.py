"""Models as the current format wrote them: what a user has on disk does not change with the code.

A folder ``archive/vN`` is written once, when format N comes. Version 3 holds, of 24 simulated samples of 12 genes,
among them names that tables like to turn into something else (NA, MARCH1): an autoencoder (4, 3, 2), a PCA, a
variational autoencoder (4, 2, 4), the paper's with tied weights (4, 3, 4), NMF and random weights.
"""

from pathlib import Path

import numpy as np
import pytest

from genelight import load

ARCHIVE = Path(__file__).parent / "archive"
GENES = ("MX1", "IFI44L", "OAS1", "ISG15", "TP53", "ALB", "HBB", "CD19", "NA", "MARCH1", "HLA-A", "C1orf112")
X_1G = np.linspace(-1, 5 / 6, 12, dtype=np.float32)[None]
CODES = {
    "autoencoder": {
        "L1": [0.0389998, 0.3270554, -0.6022198, -0.6386326],
        "L2": [0.2047192, -0.6238819, -0.6156296],
        "L3": [0.0319124, 0.3416038],
    },
    "pca": {"PC": [-0.0271481, 0.3469935]},
}
# The first three genes of a decode of ones.
DECODED = {
    "autoencoder": {
        "L1": [-0.489431, 0.5088522, 0.4372903],
        "L2": [-0.2229645, 0.2158775, 0.1429405],
        "L3": [-0.5454973, 0.5673314, 0.4879923],
    },
    "pca": {"PC": [0.0465829, -0.0979543, -0.2263472]},
}
MAXIMUM = {
    "autoencoder": {
        "L1": [3.364413, 4.4429708, 2.3199511, 1.6395775],
        "L2": [5.5214934, 3.0206349, 4.0159283],
        "L3": [3.3483915, 5.1114697],
    },
    "pca": {"PC": [5.2945204, 5.1717792]},
}
DIGESTS = {"autoencoder": "7ab4a4e51e656032", "pca": "29b27ce29ae56d4c"}


@pytest.mark.parametrize("kind", CODES)
def test_every_layer_gives_the_numbers_it_gave(kind):
    model = load(ARCHIVE / "v3" / kind)
    assert (model.name, model.digest, model.genes.ids) == (kind, DIGESTS[kind], GENES)
    assert list(model.widths) == list(CODES[kind])
    for layer, codes in CODES[kind].items():
        np.testing.assert_allclose(model.encode(X_1G, layer), [codes], atol=2e-6)
        ones = np.ones((1, len(codes)), dtype=np.float32)
        np.testing.assert_allclose(model.decode(ones, layer)[0, :3], DECODED[kind][layer], atol=2e-6)
        np.testing.assert_allclose(model.code_range(layer).maximum, MAXIMUM[kind][layer], atol=2e-6)


def test_settings_history_and_what_was_known_are_kept():
    model = load(ARCHIVE / "v3" / "autoencoder")
    assert model.settings["between_subject_shrinkage"] == 0.7
    assert model.subspace.lost == 0.0
    assert model.about == {"data": "12 simulated genes"}
    assert [record["epoch"] for record in model.history] == [0, 1, 2, 3, 4]
    assert model.history[-1]["held_out_r2"] == 0.8577870483844838


# Digest, codes of the last layer, and the first three genes of a decode of ones.
MORE = {
    "vae": (
        "f45dc931d86a5174",
        [-0.156017, -0.04494, -0.167331, 0.230624],
        [0.135591, 0.324732, -0.150831],
    ),
    "paper": (
        "80f817fc97d7ff7d",
        [0.500638, 0.448447, 0.61013, 0.521077],
        [-1.36689, 0.211344, 0.020236],
    ),
    "nmf": (
        "097acc3317913425",
        [3.326814, 4.385599],
        [-1.855909, -1.919077, -1.458192],
    ),
    "random": (
        "80964626a66a2056",
        [0.101802, 0.068619],
        [0.116265, 0.265087, 1.433524],
    ),
}


@pytest.mark.parametrize("kind", MORE)
def test_every_kind_gives_the_numbers_it_gave(kind):
    model = load(ARCHIVE / "v3" / kind)
    digest, codes, decoded = MORE[kind]
    assert (model.digest, model.genes.ids) == (digest, GENES)
    last = list(model.widths)[-1]
    np.testing.assert_allclose(model.encode(X_1G, last), [codes], atol=5e-6)
    ones = np.ones((1, len(codes)), dtype=np.float32)
    np.testing.assert_allclose(model.decode(ones, last)[0, :3], decoded, atol=5e-6)
