"""Is this training healthy? D's accuracy and the diversity of the samples, judged at every sample grid.

The two failures that users ask about most: D wins (it tells every image right, so G learns nothing) and mode collapse
(all samples alike).
"""
import numpy as np

PERFECT = 0.99          # D right on this share of real and of fake images, on average since the last check
ALIKE = 0.1             # samples vary less than this share of what the data varies
CHECKS = 3              # in a row, before the user is told
GRACE = 500             # steps: the images of a fresh generator are all grey, which is no collapse

ADVICE = {
    'perfect': 'D tells real and generated images apart every time, so G learns little: try --label_smoothing 0.1, '
               '--d_learning_rate below --g_learning_rate, or more --g_steps',
    'alike': 'the samples are nearly all the same (mode collapse): go back with --resume_step to a step before it, and try a '
             'lower --learning_rate or --label_smoothing 0.1',
}


def diversity(images):
    """Mean over pixels of the standard deviation over images [N,H,W,C], in the unit of the images."""
    return float(np.mean(np.std(np.asarray(images, np.float64), axis=0)))


class Health:
    """Feed it every step's metrics and every sample grid; it returns lines for the user."""

    def __init__(self, real_images):
        """real_images: float [N,H,W,C] in the range of the samples."""
        self._real = diversity(real_images)
        self._sums, self._count = {'d_accuracy_real': 0.0, 'd_accuracy_fake': 0.0}, 0
        self._in_a_row, self._advised = dict.fromkeys(ADVICE, 0), set()

    def step(self, metrics):
        if all(name in metrics for name in self._sums):
            self._count += 1
            for name in self._sums:
                self._sums[name] += float(metrics[name])

    def check(self, step, samples):
        """Lines to show: the state of the training, and at most once each, advice. samples: float [N,H,W,C] of `step`."""
        varied = diversity(samples)
        line = f'[health] sample diversity {varied:.3f} (data {self._real:.3f})'
        bad = {'alike': step > GRACE and len(samples) > 1 and varied < ALIKE * self._real, 'perfect': False}
        if self._count:
            real, fake = (total / self._count for total in self._sums.values())
            line += f', D right on {real:.0%} of real and {fake:.0%} of generated images'
            bad['perfect'] = min(real, fake) >= PERFECT
        self._sums, self._count = dict.fromkeys(self._sums, 0.0), 0
        lines = [line]
        for name, is_bad in bad.items():
            self._in_a_row[name] = self._in_a_row[name] + 1 if is_bad else 0
            if self._in_a_row[name] >= CHECKS and name not in self._advised:
                self._advised.add(name)
                lines.append(f'[health] {ADVICE[name]}')
        return lines
