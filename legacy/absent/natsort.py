"""natsort: text in the order of the numbers in it."""
import os
import re

from legacy.absent import stub_parts


def natsort_key(value, key=None):
    """'img10' comes after 'img2'; paths by their parts, other values by their text."""
    text = str(value if key is None else key(value))
    return [(0, int(part), '') if part.isdigit() else (1, 0, part)
            for part in re.split(r'(\d+)', text.replace(os.sep, '\0')) if part]


def natsorted(seq, key=None, reverse=False, alg=0, **kwargs):
    return sorted(seq, key=lambda value: natsort_key(value, key), reverse=reverse)


humansorted = realsorted = os_sorted = natsorted
__getattr__ = stub_parts.missing('natsort')
