"""Losses that recipes share, each a function of tensors: of Auto-painter first.

Two families of verdicts occur: probabilities of being real, from a discriminator with a sigmoid
(`log_…`), and unbounded values from one without (`hinge_…`, `wasserstein_…`,
`least_squares_…`). Adversarial losses
are means over all verdicts; all losses are scalars to be made smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

# The authors' code adds it inside of each logarithm.
LOG_EPSILON = 1e-12

Reduction = Literal["sum", "mean"]


def log_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """−mean[log D(x, y) + log(1 − D(x, G(x)))] of probabilities."""
    return -(_log(real) + _log(1 - fake)).mean()


def log_generator(fake: Tensor) -> Tensor:
    """−mean log D(x, G(x)) of probabilities: what the authors' code minimizes.

    Its gradient is strong where the discriminator is sure, unlike the paper's form.
    """
    return -_log(fake).mean()


def log_generator_saturating(fake: Tensor) -> Tensor:
    """mean log(1 − D(x, G(x))) of probabilities: the paper's L_G."""
    return _log(1 - fake).mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """mean max(0, 1 − D(real)) + mean max(0, 1 + D(fake)) (Lim & Ye 2017) of values."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """mean D(fake) − mean D(real) (Arjovsky et al. 2017) of values: minus their distance."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """−mean D(fake) of values; the generator's side of the hinge loss too."""
    return -fake.mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """½ (mean (D(real) − 1)² + mean D(fake)²) (Mao et al. 2017) of values."""
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def least_squares_generator(fake: Tensor) -> Tensor:
    """mean (D(fake) − 1)² of values."""
    return (fake - 1).square().mean()


def gradient_penalty(
    critic: Callable[[Tensor, Tensor], Tensor],
    sketch: Tensor,
    real: Tensor,
    fake: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """mean (‖∇D‖₂ − 1)² between real and fake pictures (Gulrajani et al. 2017), not weighted.

    One random mix of `real` and `fake`, (B, 3, H, W), per picture; the norm is over all channels
    and pixels of a picture. (The authors' code takes it over one axis only, which penalizes each
    row of pixels by itself.) `critic(sketch, picture)` gives values. Differentiable in the critic.
    """
    share = torch.rand(len(real), 1, 1, 1, generator=generator).to(real)
    mixed = (share * real + (1 - share) * fake).detach().requires_grad_()
    with torch.enable_grad():
        values = critic(sketch.detach(), mixed)
        (gradient,) = torch.autograd.grad(values.sum(), mixed, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def pixel(painted: Tensor, target: Tensor) -> Tensor:
    """mean |y − G(x)|: the paper's L_p."""
    return (painted - target).abs().mean()


def feature(
    ours: Tensor, theirs: Tensor, form: Literal["l1", "l2", "root_half_square"] = "l1"
) -> Tensor:
    """Distance of features φ (B, C, H, W), such as those of `Vgg16Features`: the paper's L_f.

    "l2": mean over pictures of ‖Δ‖₂, the paper's formula. "l1": mean |Δ|, of the authors'
    `auto-painter.py`. "root_half_square": mean over pictures of √(½ΣΔ²), of their Wasserstein
    scripts. Both norms grow with the number of values; the mean of "l1" does not.
    """
    difference = ours - theirs
    if form == "l1":
        return difference.abs().mean()
    norm = torch.linalg.vector_norm(difference.flatten(1), dim=1).mean()
    return norm if form == "l2" else norm / 2**0.5


def variation_isotropic(picture: Tensor, reduction: Reduction = "sum") -> Tensor:
    """Σ √((y_{i+1,j} − y_{i,j})² + (y_{i,j+1} − y_{i,j})²): the paper's L_tv.

    `picture`: (B, C, H, W); the last row and column have no next one and are left out. "sum" over
    batch, channels and pixels as the authors do, or "mean" over these terms: at 512² the sum of
    one picture is 3·511² ≈ 780 thousand times the mean, and its weight as much smaller.
    """
    down = picture[..., 1:, :-1] - picture[..., :-1, :-1]
    right = picture[..., :-1, 1:] - picture[..., :-1, :-1]
    squared = down.square() + right.square()
    # The root has no slope at 0; flat areas are to stay flat, so theirs is 0.
    flat = squared == 0
    terms = torch.where(flat, 0.0, torch.where(flat, 1.0, squared).sqrt())
    return _reduce(terms.sum(), terms.numel(), reduction)


def variation_squared(picture: Tensor, reduction: Reduction = "sum") -> Tensor:
    """Σ (y_{i+1,j} − y_{i,j})² + Σ (y_{i,j+1} − y_{i,j})²: total variation in the authors' code.

    `picture` and `reduction` as in `variation_isotropic`; at 512² a picture has 2·3·512·511 ≈ 1.6
    million terms.
    """
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square()
    right = (picture[..., :, 1:] - picture[..., :, :-1]).square()
    return _reduce(down.sum() + right.sum(), down.numel() + right.numel(), reduction)


def _reduce(total: Tensor, terms: int, reduction: Reduction) -> Tensor:
    return total if reduction == "sum" else total / terms


def _log(probability: Tensor) -> Tensor:
    return (probability + LOG_EPSILON).log()


def gram(features: Tensor) -> Tensor:
    """How features go together: F Fᵀ / (C·H·W) of each picture alone, (B, C, H, W) to (B, C, C).

    (A public implementation mixes the batch into one matrix, so a picture is then asked to have
    its neighbors' style.)
    """
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat[0].numel()


def style(ours: Tensor, theirs: Tensor) -> Tensor:
    """mean |Gram(ours) − Gram(theirs)| of features (B, C, H, W): L_style of Lee et al., eq. (9)."""
    return (gram(ours) - gram(theirs)).abs().mean()
