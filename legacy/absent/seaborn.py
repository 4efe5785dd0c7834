"""seaborn: only its styles, which are ignored."""
from legacy.absent import stub_parts


def _ignored(*args, **kwargs):
    """Styles have no effect here."""


set = set_style = set_context = set_palette = set_theme = despine = _ignored
__getattr__ = stub_parts.missing('seaborn')
