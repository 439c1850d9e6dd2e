"""Photometric losses of depth and motion, per pixel: reprojection, its minimum, auto-mask.

Images are (B, 1, H, W), grey 0-255; losses are (B, 1, H, W) without unit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

# Stabilisers of SSIM for grey levels up to 255 (Wang et al., 2004).
_C1, _C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
_SSIM_SHARE = 0.85
# Points nearer to the other camera than this are not projected, metres.
_MIN_DEPTH = 0.02
# A point is occluded if the other view's own depth there is smaller by this ratio.
_OCCLUSION_MARGIN = 0.15


def ssim_distance(a: Tensor, b: Tensor) -> Tensor:
    """(1 - SSIM) / 2 over 3x3 windows, (B, 1, H, W), 0 to 1 (Wang et al., "Image quality
    assessment: from error visibility to structural similarity", 2004)."""
    stack = torch.cat([a, b, a * a, b * b, a * b], 1)
    mean = F.avg_pool2d(F.pad(stack, (1, 1, 1, 1), mode="reflect"), 3, 1)
    ma, mb, maa, mbb, mab = mean.chunk(5, 1)
    va, vb, cov = maa - ma * ma, mbb - mb * mb, mab - ma * mb
    similarity = ((2 * ma * mb + _C1) * (2 * cov + _C2)) / (
        (ma * ma + mb * mb + _C1) * (va + vb + _C2)
    )
    return ((1.0 - similarity) / 2.0).clamp(0.0, 1.0)


def photometric_error(target: Tensor, warped: Tensor) -> Tensor:
    """0.85 (1 - SSIM) / 2 + 0.15 |difference|, (B, 1, H, W) (Godard et al., monodepth, CVPR
    2017)."""
    difference = (target - warped).abs() / 255.0
    return _SSIM_SHARE * ssim_distance(target, warped) + (1 - _SSIM_SHARE) * difference


def warp(
    view: Tensor, depth: Tensor, K: Tensor, view_K: Tensor, T_view_image: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Warp another view to the image with the image's depth.

    ``view`` (B, 1, Hv, Wv); ``depth`` (B, 1, H, W) of the image, metres; ``K`` and ``view_K``
    (B, 4) fx, fy, cx, cy of image and view; ``T_view_image`` (B, 4, 4).

    Returns:
        The warped view (B, 1, H, W), whether the point projects into the view (B, 1, H, W) bool,
        and the points' depth in the view (B, 1, H, W), metres.
    """
    fx, fy, cx, cy = K[:, :, None, None].unbind(1)
    h, w = depth.shape[-2:]
    y = torch.arange(h, device=depth.device, dtype=depth.dtype)[None, :, None]
    x = torch.arange(w, device=depth.device, dtype=depth.dtype)[None, None, :]
    d = depth[:, 0]
    X, Y = (x - cx) / fx * d, (y - cy) / fy * d
    T = T_view_image.to(depth.dtype)[:, :3, :, None, None]
    at = [T[:, k, 0] * X + T[:, k, 1] * Y + T[:, k, 2] * d + T[:, k, 3] for k in range(3)]
    z = at[2].clamp(min=_MIN_DEPTH)
    fx, fy, cx, cy = view_K[:, :, None, None].unbind(1)
    u, v = fx * at[0] / z + cx, fy * at[1] / z + cy
    hv, wv = view.shape[-2:]
    inside = (u >= 0) & (u <= wv - 1) & (v >= 0) & (v <= hv - 1) & (at[2] > _MIN_DEPTH)
    grid = torch.stack([(2 * u + 1) / wv - 1, (2 * v + 1) / hv - 1], -1)
    warped = F.grid_sample(view, grid, padding_mode="border", align_corners=False)
    return warped, inside[:, None], at[2][:, None]


def brightness_adapted(image: Tensor, affine: Tensor) -> Tensor:
    """exp(a) image + b with ``affine`` (B, 2) = (a, b): the change of exposure between two images
    (Engel et al., DSO, 2018; predicted by a network in Yang et al., D3VO, CVPR 2020)."""
    a, b = affine[:, :, None, None, None].unbind(1)
    return torch.exp(a) * image + b


def fitted_brightness(target: Tensor, warped: Tensor, visible: Tensor) -> Tensor:
    """(a, b) (B, 2) for which ``brightness_adapted(warped, ...)`` has the mean and standard
    deviation of ``target`` over the ``visible`` (B, 1, H, W) bool pixels."""
    weight = visible.to(target.dtype)
    count = weight.sum((1, 2, 3)).clamp(min=1.0)

    def moments(image: Tensor) -> tuple[Tensor, Tensor]:
        mean = (image * weight).sum((1, 2, 3)) / count
        spread = ((image - mean[:, None, None, None]) ** 2 * weight).sum((1, 2, 3)) / count
        return mean, (spread + 1.0).sqrt()

    (m, s), (mw, sw) = moments(target), moments(warped)
    a = torch.log(s / sw).clamp(-0.7, 0.7)
    return torch.stack([a, m - torch.exp(a) * mw], 1).detach()


def not_hidden(depth_in_view: Tensor, view_depth: Tensor) -> Tensor:
    """Bool mask of the points that are not occluded in the view: their ``depth_in_view`` is not
    clearly larger than the view's own depth at the same pixels, both metres."""
    return view_depth > (1.0 - _OCCLUSION_MARGIN) * depth_in_view


def minimum_reprojection(errors: list[Tensor], visible: list[Tensor]) -> Tensor:
    """Least error (B, 1, H, W) over the views in which the point is visible, infinite where there
    is none: points are occluded in some views only (Godard et al., monodepth2, ICCV 2019,
    eq. 4)."""
    none = float("inf")
    stack = torch.stack([e.masked_fill(~s, none) for e, s in zip(errors, visible, strict=True)])
    return stack.min(0).values


def auto_mask(error: Tensor, unwarped: Tensor) -> Tensor:
    """Bool mask of the pixels whose ``error`` is smaller than that of the unwarped views, which
    excludes standstill and objects that move with the camera (monodepth2, eq. 5)."""
    return error < unwarped


def masked_mean(loss: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``loss`` over the bool ``mask`` of the same shape, zero if the mask is empty."""
    kept = torch.where(mask, loss, torch.zeros_like(loss))
    return kept.sum() / mask.sum().clamp(min=1)
