import numpy as np
import pytest

from s2i_training.metrics.colorfulness import colorfulness


def test_gray_is_not_colorful():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    assert colorfulness(ramp) == 0


def test_a_plain_red_picture_has_the_value_of_its_formula():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    # No spread; mean red-green 255 and yellow-blue 127.5: 0.3·√(255² + 127.5²).
    assert colorfulness(red) == pytest.approx(85.529, abs=1e-3)


def test_half_red_half_green_has_the_value_of_its_formula():
    picture = np.zeros((2, 4, 3), np.uint8)
    picture[0, :, 0] = picture[1, :, 1] = 255
    # Red-green is ±255 (spread 255, mean 0), yellow-blue 127.5 everywhere.
    assert colorfulness(picture) == pytest.approx(255 + 0.3 * 127.5)
