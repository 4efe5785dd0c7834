"""colorlog: the formatter without its colours."""
import logging

from legacy.absent import stub_parts


class ColoredFormatter(logging.Formatter):
    """A logging.Formatter that leaves %(log_color)s and the like empty."""

    def __init__(self, fmt=None, datefmt=None, reset=True, log_colors=None, secondary_log_colors=None,
                 style='%', **kwargs):
        super().__init__(fmt, datefmt, style)

    def format(self, record):
        for name in ('log_color', 'reset', 'bold', 'message_log_color', 'white', 'blue', 'cyan', 'green',
                     'red', 'yellow', 'purple', 'black', 'bold_white', 'bold_blue', 'bold_cyan', 'bold_green',
                     'bold_red', 'bold_yellow', 'bold_purple'):
            record.__dict__.setdefault(name, '')
        return super().format(record)


StreamHandler, getLogger = logging.StreamHandler, logging.getLogger
basicConfig = logging.basicConfig
__getattr__ = stub_parts.missing('colorlog')
