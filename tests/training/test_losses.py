import math

import pytest
import torch
from torch import nn

from s2i_models.auto_painter.network import patch_paper
from s2i_training import losses


def test_the_logarithmic_losses_have_the_values_of_their_formulas():
    real, fake = torch.tensor([0.9, 0.5]), torch.tensor([0.2, 0.1])
    expected = -(math.log(0.9) + math.log(0.5) + math.log(0.8) + math.log(0.9)) / 2
    assert losses.log_discriminator(real, fake).item() == pytest.approx(expected, rel=1e-5)
    expected = -(math.log(0.2) + math.log(0.1)) / 2
    assert losses.log_generator(fake).item() == pytest.approx(expected, rel=1e-5)
    expected = (math.log(0.8) + math.log(0.9)) / 2
    assert losses.log_generator_saturating(fake).item() == pytest.approx(expected, rel=1e-5)


def test_a_sure_discriminator_gives_large_but_finite_losses():
    zero, one = torch.zeros(1), torch.ones(1)
    assert losses.log_generator(zero).item() == pytest.approx(-math.log(1e-12), rel=1e-4)
    assert losses.log_discriminator(zero, one).isfinite()
    assert losses.log_generator_saturating(one).isfinite()


def test_only_the_authors_form_pulls_where_the_discriminator_is_sure():
    for form, strength in ((losses.log_generator, 1.0), (losses.log_generator_saturating, 0.0)):
        logit = torch.tensor([-9.0], requires_grad=True)
        form(torch.sigmoid(logit)).backward()
        assert logit.grad is not None
        assert logit.grad.item() == pytest.approx(-strength, abs=1e-3)


@pytest.mark.parametrize(
    "form", [losses.log_generator, losses.log_generator_saturating, losses.wasserstein_generator]
)
def test_every_generator_loss_asks_for_a_better_verdict(form):
    verdict = torch.tensor([0.3, 0.6], requires_grad=True)
    form(verdict).backward()
    assert verdict.grad is not None
    assert (verdict.grad < 0).all()


@pytest.mark.parametrize(
    "form", [losses.log_discriminator, losses.hinge_discriminator, losses.wasserstein_critic]
)
def test_every_discriminator_loss_tells_real_from_fake(form):
    real = torch.tensor([0.3, 0.6], requires_grad=True)
    fake = torch.tensor([0.3, 0.6], requires_grad=True)
    form(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()


def test_the_hinge_stops_asking_beyond_its_margin():
    real = torch.tensor([2.0, 0.0], requires_grad=True)
    fake = torch.tensor([-3.0, 0.5], requires_grad=True)
    loss = losses.hinge_discriminator(real, fake)
    assert loss.item() == pytest.approx((0 + 1) / 2 + (0 + 1.5) / 2)
    loss.backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert real.grad.tolist() == [0, -0.5]
    assert fake.grad.tolist() == [0, 0.5]


def test_the_wasserstein_losses_are_means():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 2.0])
    assert losses.wasserstein_critic(real, fake).item() == -1.5
    assert losses.wasserstein_generator(fake).item() == -0.5


def test_the_gradient_penalty_is_of_the_norm_over_a_whole_picture():
    # D = 0.5·Σ pixels has a gradient of norm 0.5·√(3·4·5) everywhere, in any mix.
    def critic(sketch, picture):
        return 0.5 * picture.sum(dim=(1, 2, 3))

    real, fake = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    penalty = losses.gradient_penalty(critic, real, real, fake)
    assert penalty.item() == pytest.approx((0.5 * math.sqrt(60) - 1) ** 2, rel=1e-5)


def test_the_gradient_penalty_is_taken_between_the_pictures_with_one_share_each():
    seen = []

    def critic(sketch, picture):
        seen.append(picture.detach())
        return picture.square().sum(dim=(1, 2, 3))

    real, fake = torch.ones(8, 3, 4, 4), torch.zeros(8, 3, 4, 4)
    losses.gradient_penalty(critic, real, real, fake, torch.manual_seed(0))
    shares = seen[0].flatten(1)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (shares == shares[:, :1]).all()
    assert shares[:, 0].unique().numel() == 8


def test_the_gradient_penalty_teaches_the_critic_and_not_the_painter():
    critic = patch_paper(sigmoid=False)
    fake = torch.rand(1, 3, 32, 32, requires_grad=True)
    pictures = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    losses.gradient_penalty(critic, *pictures, fake).backward()
    assert fake.grad is None
    convolution = critic.convolutions[0]
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.weight.grad is not None
    assert convolution.weight.grad.abs().sum() > 0


def test_pixel_loss_is_the_mean_absolute_difference():
    painted, target = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5, 0.0]])
    assert losses.pixel(painted, target).item() == 0.75


def test_feature_loss_has_the_three_published_forms():
    ours, theirs = torch.zeros(2, 1, 1, 2), torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    theirs = theirs.view(2, 1, 1, 2)
    assert losses.feature(ours, theirs).item() == pytest.approx(9 / 4)
    assert losses.feature(ours, theirs, "l2").item() == pytest.approx((5 + 2) / 2)
    expected = (math.sqrt(12.5) + math.sqrt(2)) / 2
    assert losses.feature(ours, theirs, "root_half_square").item() == pytest.approx(expected)


@pytest.mark.parametrize("form", ["l1", "l2", "root_half_square"])
def test_equal_features_have_a_finite_gradient(form):
    ours = torch.ones(1, 2, 3, 3, requires_grad=True)
    losses.feature(ours, torch.ones(1, 2, 3, 3), form).backward()
    assert ours.grad is not None
    assert ours.grad.isfinite().all()


def test_isotropic_variation_has_the_value_of_its_formula():
    picture = torch.tensor([[0.0, 4.0, 4.0], [3.0, 0.0, 0.0]]).view(1, 1, 2, 3)
    # At (0, 0): √(3² + 4²); at (0, 1): down −4, right 0.
    assert losses.variation_isotropic(picture).item() == pytest.approx(5 + 4)
    assert losses.variation_isotropic(picture, "mean").item() == pytest.approx(9 / 2)


def test_squared_variation_has_the_value_of_its_formula():
    picture = torch.tensor([[0.0, 4.0, 4.0], [3.0, 0.0, 0.0]]).view(1, 1, 2, 3)
    # Down: 9 + 16 + 16; right: 16 + 0 + 9 + 0; seven terms.
    assert losses.variation_squared(picture).item() == pytest.approx(66)
    assert losses.variation_squared(picture, "mean").item() == pytest.approx(66 / 7)


def test_sums_grow_with_the_batch_and_means_do_not():
    picture = torch.rand(1, 3, 8, 8)
    for form in (losses.variation_isotropic, losses.variation_squared):
        twice = picture.repeat(2, 1, 1, 1)
        assert form(twice).item() == pytest.approx(2 * form(picture).item(), rel=1e-5)
        assert form(twice, "mean").item() == pytest.approx(form(picture, "mean").item(), rel=1e-5)


@pytest.mark.parametrize("form", [losses.variation_isotropic, losses.variation_squared])
def test_flat_pictures_have_no_variation_and_no_gradient(form):
    picture = torch.full((1, 3, 4, 4), 0.3, requires_grad=True)
    loss = form(picture)
    loss.backward()
    assert loss.item() == 0
    assert picture.grad is not None
    assert (picture.grad == 0).all()


@pytest.mark.parametrize("form", [losses.variation_isotropic, losses.variation_squared])
def test_the_gradient_of_variation_is_right(form):
    picture = torch.rand(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(form, (picture,))
