"""colorama: its colours are those of the terminal itself; nothing has to be switched on."""


class _Codes:
    def __init__(self, first):
        for number, name in enumerate(
            ('BLACK', 'RED', 'GREEN', 'YELLOW', 'BLUE', 'MAGENTA', 'CYAN', 'WHITE')
        ):
            setattr(self, name, f'\033[{first + number}m')
            setattr(self, f'LIGHT{name}_EX', f'\033[{first + 60 + number}m')
        self.RESET = f'\033[{first + 9}m'


Fore, Back = _Codes(30), _Codes(40)
Style = type('Style', (), {'BRIGHT': '\033[1m', 'DIM': '\033[2m',
             'NORMAL': '\033[22m', 'RESET_ALL': '\033[0m'})


def init(*args, **kwargs):
    """Terminals of today understand the codes."""


deinit = reinit = just_fix_windows_console = init
