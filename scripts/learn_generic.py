"""How often each gene changes in any contrast, put into a trained model without training it again.

    python scripts/learn_generic.py MODEL COMPENDIUM.h5ad COHORT.h5ad --side tb_status:PTB:Control --side group:case:no

Every study of every table that has at least four people on either side of one of the sides is a contrast. Those of one
disease (--disease names the column; a table without it is one disease) together count as one. Shares of genes go into
the model's config.json; weights stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from anndata import AnnData

import genelight as gl
from genelight._core.provenance import check_seal, read_json, sealed, write_json
from genelight.errors import InputError
from genelight.modules.generic import learn_generic
from genelight.pp.map_ids import IdMap

LEAST = 4


def main(arguments: list[str] | None = None) -> None:
    """Learn from the tables that the command line names, and write config.json anew."""
    asked = _asked(arguments)
    model = gl.load(asked.model)
    found = learn_generic(model, _contrasts(asked, model))
    path = asked.model / "config.json"
    config = check_seal(read_json(path), where=path)
    write_json(path, sealed({**{k: v for k, v in config.items() if k != "seal"}, "generic": found.to_about()}))
    first = sorted(zip(found.share_g, found.genes.ids, strict=True), reverse=True)[:20]
    print(f"{path}: {found.contrasts} contrasts of {found.diseases} diseases; {', '.join(gene for _, gene in first)}")


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--side", action="append", required=True, help="COLUMN:CASE:CONTROL, again for each")
    parser.add_argument("--study", default="study", help="column of studies; a table without it is one study")
    parser.add_argument("--disease", default="disease", help="column of diseases, of which one study has one")
    parser.add_argument("--subject", default="patient", help="column that says whose a sample is, where there is one")
    return parser.parse_args(arguments)


def _contrasts(asked: argparse.Namespace, model: gl.nouns.Model) -> Iterator[tuple[AnnData, gl.Contrast, str]]:
    for path in asked.tables:
        adata = gl.io.read(path, dense=True)
        if model.genes.align(adata.var_names.unique()).missing:
            adata = IdMap.of(adata, to=model.genes).transform(adata)
        study_n = adata.obs[asked.study].astype(str) if asked.study in adata.obs else None
        for study in [path.stem] if study_n is None else sorted(set(study_n)):
            part = adata if study_n is None else adata[(study_n == study).to_numpy()].copy()
            for side in asked.side:
                contrast = _contrast(part, side, asked.subject)
                if contrast is not None:
                    column, case, _ = side.split(":")
                    kinds = [case] if asked.disease == column else part.obs.get(asked.disease, [study])
                    disease = f"{column}, {next(iter(kinds))}"
                    print({"study": study, "contrast": side, "disease": disease}, file=sys.stderr)
                    yield part, contrast, disease


def _contrast(part: AnnData, side: str, subject: str) -> gl.Contrast | None:
    column, case, control = side.split(":")
    if column not in part.obs:
        return None
    quoted = [f'{column} == "{value}"' for value in (case, control)]
    whose = subject if subject in part.obs else ("subject" if "subject" in part.obs else None)
    try:
        contrast = gl.Contrast.of(part.obs, case=quoted[0], control=quoted[1], subject=whose)
    except InputError:
        return None
    people = [len(set(contrast.subject_n[mask_n])) for mask_n in (contrast.case_n, contrast.control_n)]
    return contrast if min(people) >= LEAST else None


if __name__ == "__main__":
    main()
