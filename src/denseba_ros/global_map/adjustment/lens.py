"""What a calibration leaves over: focal length and radial distortion, estimated with the map.

The image of a real lens errs by tenths of a pixel after its calibration, in all images alike: no
number of observations averages that out, and by it the scale drifts around a bend (Triggs,
McLauchlan, Hartley, Fitzgibbon, "Bundle adjustment - a modern synthesis", 1999, section 9). The
principal point is not among it: it is hardly told from a turn of the camera. All coordinates are
at z = 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.pose_graph.graph import Doubles

PARAMETERS = 2
"""Columns of a lens: logarithm of its focal length over that of the calibration, and radial
distortion: a place at radius r is seen at r (1 + distortion r^2)."""
# Deviations of these from the calibration.
_SIGMA = np.array([0.01, 0.02])
# Steps of Newton's method, each of which squares an error of 0.02 or less.
_ITERATIONS = 4


@dataclass(frozen=True)
class Lens:
    """``log_focal`` and ``distortion`` as ``PARAMETERS`` says; both are zero as calibrated."""

    log_focal: float = 0.0
    distortion: float = 0.0

    def moved(self, step: Doubles) -> Lens:
        """After a step (2,)."""
        return Lens(self.log_focal + float(step[0]), self.distortion + float(step[1]))

    def errors(self) -> Doubles:
        """(2,) from the calibration, over their deviations."""
        errors: Doubles = np.array([self.log_focal, self.distortion]) / _SIGMA
        return errors

    def seen(self, places: Doubles) -> Doubles:
        """Where places (N, 2) are seen by a camera as calibrated (N, 2)."""
        seen: Doubles = np.exp(self.log_focal) * self._bent(places)
        return seen

    def places(self, seen: Doubles) -> Doubles:
        """The places (N, 2) that are ``seen`` there (N, 2)."""
        bent: Doubles = np.exp(-self.log_focal) * seen
        places = bent
        for _ in range(_ITERATIONS):
            error = (self._bent(places) - bent)[:, :, None]
            places = places - np.linalg.solve(self._by_place(places), error)[:, :, 0]
        return places

    def seen_by_place(self, places: Doubles) -> Doubles:
        """(N, 2, 2): ``seen`` by places (N, 2)."""
        by_place: Doubles = np.exp(self.log_focal) * self._by_place(places)
        return by_place

    def seen_by_lens(self, places: Doubles) -> Doubles:
        """(N, 2, 2): ``seen`` of places (N, 2) by the lens."""
        by_distortion = np.sum(places**2, axis=1)[:, None] * places
        columns = np.stack([self._bent(places), by_distortion], axis=2)
        by_lens: Doubles = np.exp(self.log_focal) * columns
        return by_lens

    def places_by_lens(self, places: Doubles) -> Doubles:
        """(N, 2, 2): places (N, 2) that are seen where they are, by the lens."""
        by_lens: Doubles = np.linalg.inv(self.seen_by_place(places)) @ self.seen_by_lens(places)
        return -by_lens

    def _bent(self, places: Doubles) -> Doubles:
        bent: Doubles = places * (1.0 + self.distortion * np.sum(places**2, axis=1)[:, None])
        return bent

    def _by_place(self, places: Doubles) -> Doubles:
        growth = 1.0 + self.distortion * np.sum(places**2, axis=1)
        outer = places[:, :, None] * places[:, None, :]
        by_place: Doubles = growth[:, None, None] * np.eye(2) + 2.0 * self.distortion * outer
        return by_place


def lens_weights() -> Doubles:
    """(2,): information of the calibration."""
    weights: Doubles = 1.0 / _SIGMA**2
    return weights
