"""Is training healthy? Told once, after three checks in a row, and never for a healthy run."""
import numpy as np
import pytest

from health import ADVICE, CHECKS, GRACE, Health, diversity

REAL = np.random.default_rng(0).uniform(-1, 1, (16, 4, 4, 3))
VARIED = np.random.default_rng(1).uniform(-1, 1, (16, 4, 4, 3))
ALIKE = np.broadcast_to(VARIED[:1], (16, 4, 4, 3))


def accuracy(real, fake):
    return {'d_accuracy_real': np.float32(real), 'd_accuracy_fake': np.float32(fake), 'd_loss': 1.0}


def checked(health, samples, step=GRACE + 1):
    return health.check(step, samples)


def advice(lines):
    return [name for name, text in ADVICE.items() if any(text in line for line in lines)]


def test_diversity_is_the_mean_deviation_over_images():
    images = np.array([[[[0.0], [1.0]]], [[[2.0], [1.0]]]])         # two images of two pixels: deviations 1 and 0
    assert diversity(images) == 0.5
    assert diversity(ALIKE) == pytest.approx(0, abs=1e-12)
    assert diversity(np.uint8([[[[0]]], [[[255]]]])) == 127.5


def test_a_healthy_run_gets_one_line_a_check():
    health = Health(REAL)
    for _ in range(2 * CHECKS):
        for _ in range(4):
            health.step(accuracy(0.75, 0.5))
        lines = checked(health, VARIED)
        assert len(lines) == 1
    assert 'D right on 75% of real and 50% of generated images' in lines[0]
    assert f'{diversity(VARIED):.3f} (data {diversity(REAL):.3f})' in lines[0]


def test_without_accuracies_the_line_speaks_of_diversity_alone():
    health = Health(REAL)
    health.step({'g_loss': 1.0})
    health.step({'d_accuracy_real': 1.0, 'g_loss': 1.0})
    line, = checked(health, VARIED)
    assert 'diversity' in line and 'D right' not in line


def test_a_perfect_discriminator_is_told_once_after_three_checks_in_a_row():
    health, told = Health(REAL), []
    for _ in range(CHECKS + 3):
        health.step(accuracy(1, 1))
        told.append(advice(checked(health, VARIED)))
    assert told == [[]] * (CHECKS - 1) + [['perfect']] + [[]] * 3


def test_one_good_check_starts_the_count_anew():
    health, told = Health(REAL), []
    for right in (1, 1, 0.9, 1, 1, 1):
        health.step(accuracy(1, right))
        told.append(advice(checked(health, VARIED)))
    assert told == [[], [], [], [], [], ['perfect']]


def test_both_kinds_of_image_must_be_told_right():
    health = Health(REAL)
    for _ in range(CHECKS):
        health.step(accuracy(1, 0.9))
        assert advice(checked(health, VARIED)) == []


def test_each_check_judges_the_steps_since_the_last_one():
    health = Health(REAL)
    health.step(accuracy(0, 0))
    checked(health, VARIED)
    health.step(accuracy(1, 0.5))
    assert 'D right on 100% of real and 50%' in checked(health, VARIED)[0]


def test_mode_collapse_is_told_once_after_three_checks_in_a_row():
    health = Health(REAL)
    told = [advice(checked(health, ALIKE)) for _ in range(CHECKS + 2)]
    assert told == [[]] * (CHECKS - 1) + [['alike']] + [[]] * 2


def test_the_grey_images_of_the_first_steps_are_no_collapse():
    health = Health(REAL)
    assert not any(advice(checked(health, ALIKE, step)) for step in range(0, GRACE + 1, 50))
    assert [advice(checked(health, ALIKE)) for _ in range(CHECKS)] == [[]] * (CHECKS - 1) + [['alike']]


def test_advice_is_given_once_a_run():
    health = Health(REAL)
    told = [advice(checked(health, samples)) for samples in [ALIKE] * CHECKS + [VARIED] + [ALIKE] * CHECKS]
    assert sum(told, []) == ['alike']


def test_a_single_sample_is_no_collapse():
    health = Health(REAL)
    assert [advice(checked(health, VARIED[:1])) for _ in range(CHECKS + 1)] == [[]] * (CHECKS + 1)
