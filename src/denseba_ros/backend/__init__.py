"""The sliding window and its dense bundle adjustment."""

from denseba_ros.backend.differentiable import differentiable_bundle_adjustment

__all__ = ["differentiable_bundle_adjustment"]
