"""Keyframes of the map by number, and those that images were last aligned with ready for more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import torch

from denseba_ros.global_map.closing.place_verification import Place
from denseba_ros.global_map.closing.records import restored
from denseba_ros.map_file.map_keyframe import LocalFeatures, MapKeyframe
from denseba_ros.matching.features import Features

# Places that stay ready: some 8 MB each at 640x480.
_READY = 12


class KeyframeStore:
    """In memory, some 0.7 MB a keyframe of 640x480; beyond ``largest`` those that were not used for
    longest are left to ``load``, which gives them back."""

    def __init__(
        self,
        device: torch.device,
        largest: int | None = None,
        load: Callable[[int], MapKeyframe] | None = None,
    ) -> None:
        """``load`` a keyframe from the file that it was written to; without it all are kept."""
        self.device, self._largest, self._load = device, largest, load
        self._keyframes: OrderedDict[int, MapKeyframe] = OrderedDict()
        self._ready: OrderedDict[int, Place] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keyframes)

    def add(self, keyframe: MapKeyframe) -> None:
        """Keep a keyframe that left the window."""
        self._keyframes[keyframe.id] = keyframe
        self._ready.pop(keyframe.id, None)
        while self._load and self._largest is not None and len(self._keyframes) > self._largest:
            self._keyframes.popitem(last=False)

    def remove(self, number: int) -> None:
        """Forget a keyframe."""
        self._keyframes.pop(number, None)
        self._ready.pop(number, None)

    def get(self, number: int) -> MapKeyframe:
        """A keyframe by its number.

        Raises:
            KeyError: there is none.
            MapFileError: it cannot be read from the file.
        """
        if number in self._keyframes:
            self._keyframes.move_to_end(number)
        elif self._load is None:
            raise KeyError(number)
        else:
            self.add(self._load(number))
        return self._keyframes[number]

    def features(self, number: int) -> Features:
        """The features of a keyframe.

        Raises:
            KeyError: there is none with features.
            MapFileError: it cannot be read from the file.
        """
        keyframe = self.get(number)
        if keyframe.features is None:
            raise KeyError(number)
        height, width = keyframe.image.shape
        return as_features(keyframe.features, (width, height), self.device)

    def place(self, number: int) -> Place:
        """A keyframe ready for images to be aligned with it.

        Raises:
            KeyError: there is none with features.
            MapFileError: it cannot be read from the file.
        """
        place = self._ready.pop(number, None)
        if place is None:
            place = Place(restored(self.get(number), self.device), self.features(number))
        self._ready[number] = place
        if len(self._ready) > _READY:
            self._ready.popitem(last=False)
        return place


def as_features(features: LocalFeatures, size: tuple[int, int], device: torch.device) -> Features:
    """Kept features of an image of ``size`` (width, height), as they were when extracted."""
    places = torch.from_numpy(np.array(features.places, np.float32)).to(device)
    descriptors = torch.from_numpy(np.array(features.descriptors, np.float32)).to(device)
    return Features(places, descriptors, torch.ones(len(places), device=device), size)


def as_kept(features: Features) -> LocalFeatures:
    """Features as they are kept."""
    return LocalFeatures(
        features.places.cpu().numpy().astype(np.float32),
        features.descriptors.cpu().numpy().astype(np.float16),
    )
