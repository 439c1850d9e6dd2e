"""Normal equations of a graph of poses: sparse, in blocks of 7, their pattern computed once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bsr_array, csc_array, csr_array
from scipy.sparse.linalg import SuperLU, splu

from denseba_ros.pose_graph.graph import Doubles


@dataclass(frozen=True)
class BlockPattern:
    """Where the products of each edge go in ``H`` (7F, 7F), of the F poses that are not held.

    ``number`` (V,) of each pose among the free ones, -1 where it is held; ``first`` and ``second``
    (E,) those of the edges. ``to_blocks``
    (blocks, 4E) adds the products of the edges up, ``order`` (nonzeros,) brings the blocks' entries
    into the order of columns.
    """

    free: int
    number: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    to_blocks: csr_array
    order: NDArray[np.int64]
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]

    @classmethod
    def of(
        cls, first: NDArray[np.int64], second: NDArray[np.int64], is_free: NDArray[np.bool_]
    ) -> BlockPattern:
        """Of edges between the poses ``first`` and ``second`` (E,), ``is_free`` (V,) of them."""
        free = int(np.sum(is_free))
        number = np.where(is_free, np.cumsum(is_free) - 1, -1)
        first, second = number[first], number[second]
        row = np.concatenate([first, second, first, second])
        column = np.concatenate([first, second, second, first])
        used = np.flatnonzero((row >= 0) & (column >= 0))
        # The diagonal is always there, for the damping.
        diagonal = np.arange(free) * (free + 1)
        keys = np.concatenate([row[used] * free + column[used], diagonal])
        blocks, slot = np.unique(keys, return_inverse=True)
        ones = np.ones(len(used))
        to_blocks = csr_array((ones, (slot[: len(used)], used)), shape=(len(blocks), len(row)))
        starts = np.searchsorted(blocks // max(free, 1), np.arange(free + 1))
        entry = np.arange(1, 49 * len(blocks) + 1).reshape(-1, 7, 7)
        pattern = bsr_array((entry, blocks % max(free, 1), starts), shape=(7 * free, 7 * free))
        # H is symmetric: its rows are its columns.
        scalar = pattern.tocsr()
        order = scalar.data - 1
        # SuperLU takes 32 bits only.
        rows, columns = scalar.indices.astype(np.int32), scalar.indptr.astype(np.int32)
        return cls(free, number, first, second, to_blocks, order, rows, columns)

    def hessian(self, of_first: Doubles, of_second: Doubles, weight: Doubles) -> csc_array:
        """``J^T W J`` of whitened Jacobians (E, 7, 7) with ``weight`` (E,)."""
        weighted = weight[:, None, None] * of_first.swapaxes(-1, -2)
        mixed = weighted @ of_second
        own = weight[:, None, None] * of_second.swapaxes(-1, -2) @ of_second
        products = np.concatenate([weighted @ of_first, own, mixed, mixed.swapaxes(-1, -2)])
        values = (self.to_blocks @ products.reshape(-1, 49)).ravel()[self.order]
        size = 7 * self.free
        return csc_array((values, self.rows, self.columns), shape=(size, size))

    def gradient(
        self, of_first: Doubles, of_second: Doubles, weight: Doubles, errors: Doubles
    ) -> Doubles:
        """``J^T W e`` (7F,) of whitened errors (E, 7)."""
        weighted = weight[:, None] * errors
        total = np.zeros((self.free + 1, 7))
        for numbers, jacobian in ((self.first, of_first), (self.second, of_second)):
            parts = np.einsum("eij,ei->ej", jacobian, weighted)
            for axis in range(7):
                total[:, axis] += np.bincount(
                    numbers + 1, weights=parts[:, axis], minlength=self.free + 1
                )
        return total[1:].ravel()


def factorised(hessian: csc_array) -> SuperLU | None:
    """Factors of a symmetric positive matrix, ordered by minimum degree; None if it is singular."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return splu(
                hessian,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        except (RuntimeError, Warning):
            return None
