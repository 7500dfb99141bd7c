"""What covariates do to codes or genes, taken off without touching the difference between the groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Adjustment"]


@dataclass(frozen=True)
class Adjustment:
    """Slopes of codes on covariates, fitted together with the groups; shapes ``(c, k)`` and ``(c,)``."""

    slope_ck: np.ndarray
    centre_c: np.ndarray

    @classmethod
    def fit(
        cls, h_nk: np.ndarray, group_nd: np.ndarray, *, covariate_nc: np.ndarray | None, weight_n: np.ndarray
    ) -> Adjustment:
        """Weighted least squares of the codes on groups and covariates at once.

        Fitted alone, covariates that differ between the groups would take some of the disease with them.
        """
        if covariate_nc is None:
            return cls(np.zeros((0, h_nk.shape[1])), np.zeros(0))
        share_n = weight_n / weight_n.sum()
        centre_c = share_n @ covariate_nc
        root_n1 = np.sqrt(share_n)[:, None]
        design = np.column_stack((np.ones(len(group_nd)), group_nd, covariate_nc - centre_c)) * root_n1
        slope = np.linalg.lstsq(design, h_nk * root_n1, rcond=None)[0]
        return cls(slope[1 + group_nd.shape[1] :], centre_c)

    def apply(self, h_nk: np.ndarray, covariate_nc: np.ndarray | None) -> np.ndarray:
        """Codes as they would be at the mean covariates."""
        return h_nk if covariate_nc is None else h_nk - (covariate_nc - self.centre_c) @ self.slope_ck
