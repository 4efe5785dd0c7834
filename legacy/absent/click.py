"""click: commands of options and arguments, on argparse."""
import argparse
import inspect
import os
import sys

from legacy.absent import stub_parts

INT, FLOAT, STRING, BOOL, UNPROCESSED = int, float, str, bool, str


class Abort(RuntimeError):
    """Ends a command with status 1."""


class ClickException(Exception):
    """Ends a command with status 1 and one line."""


class BadParameter(ClickException):
    """What a command says of a value it cannot use."""


class UsageError(ClickException):
    """What a command says of words it cannot use."""


class Choice:
    """One of some words."""

    def __init__(self, choices, case_sensitive=True):
        self.choices, self.case_sensitive = list(choices), case_sensitive

    def __call__(self, text):
        for choice in self.choices:
            if choice == text or not self.case_sensitive and choice.lower() == text.lower():
                return choice
        raise argparse.ArgumentTypeError(f'{text} is none of {", ".join(map(str, self.choices))}')


class Path:
    """A path; `exists=True` asks for one that is there."""

    def __init__(self, exists=False, *args, **kwargs):
        self.exists = exists

    def __call__(self, text):
        if self.exists and not os.path.exists(text):
            raise argparse.ArgumentTypeError(f'no such path: {text}')
        return text


class IntRange:
    """A whole number, no less than `min` and no more than `max`."""
    number = int

    def __init__(self, min=None, max=None, **kwargs):
        self.min, self.max = min, max

    def __call__(self, text):
        value = self.number(text)
        if self.min is not None and value < self.min or self.max is not None and value > self.max:
            raise argparse.ArgumentTypeError(f'{text} is not in {self.min} … {self.max}')
        return value


class FloatRange(IntRange):
    """A number, no less than `min` and no more than `max`."""
    number = float


def _truth(text):
    """1, true, yes … as click reads a boolean."""
    word = text.lower()
    if word in ('1', 'true', 't', 'yes', 'y', 'on'):
        return True
    if word in ('0', 'false', 'f', 'no', 'n', 'off'):
        return False
    raise argparse.ArgumentTypeError(f'{text} is not a boolean')


class _Parameter:
    """One option or argument as its decorator says it; `add` tells it to a parser."""

    def __init__(self, words, settings, positional):
        self.flags = [w for w in words if w.startswith('-')]
        names = [w for w in words if not w.startswith('-')]
        on = [flag.partition('/')[0].strip() for flag in self.flags]
        longest = next((flag for flag in on if flag.startswith('--')), on[0] if on else '')
        self.name = (names[0] if names else longest.lstrip('-')).replace('-', '_').lower()
        self.settings, self.positional = settings, positional
        self.many = settings.get('multiple') or settings.get('nargs', 1) != 1

    def _type(self):
        kind, default = self.settings.get('type'), self.settings.get('default')
        if kind is None and default is not None and not callable(default):
            sample = default[0] if isinstance(default, (list, tuple)) and default else default
            kind = type(sample) if isinstance(sample, (bool, int, float)) else str
        return _truth if kind is bool else kind or str

    def default(self):
        value = self.settings.get('default')
        value = value() if callable(value) else value
        return tuple(value or ()) if self.many else value

    def add(self, parser):
        said = {'help': (self.settings.get('help') or '').replace('%', '%%')}
        on, _, off = (self.flags or [''])[0].partition('/')
        if off or self.settings.get('is_flag') or self.settings.get('flag_value') is not None:
            value = self.settings.get('flag_value', True)
            words = [f.partition('/')[0].strip() for f in self.flags]
            parser.add_argument(*words, dest=self.name, action='store_const', const=value,
                                default=bool(self.default()) if value is True else self.default(), **said)
            if off:
                parser.add_argument(off.strip(), dest=self.name, action='store_const', const=False)
            return
        count = self.settings.get('nargs', 1)
        said['type'] = self._type()
        said['nargs'] = '*' if count == -1 else count if count != 1 else None
        if not self.positional:
            said.update(dest=self.name, required=self.settings.get('required', False),
                        action='append' if self.settings.get('multiple') else 'store')
        elif not self.settings.get('required', 'default' not in self.settings):
            said['nargs'] = said['nargs'] or '?'
        parser.add_argument(*(self.flags or [self.name]), **{k: v for k, v in said.items() if v is not None})

    def value(self, parsed):
        found = getattr(parsed, self.name)
        if found is None or found == []:
            return self.default()
        return tuple(found) if self.many else found


def _parameter(words, settings, positional):
    def decorate(function):
        target = function.callback if isinstance(function, Command) else function
        target.__dict__.setdefault('click_parameters', []).insert(0, _Parameter(words, settings, positional))
        return function
    return decorate


def option(*words, **settings):
    return _parameter(words, settings, False)


def argument(*words, **settings):
    return _parameter(words, settings, True)


class Command:
    """A function that reads its arguments from the command line and ends the process, as click's do."""

    def __init__(self, callback, name=None):
        self.callback, self.name = callback, name or callback.__name__.lower().replace('_', '-')
        self.__doc__, self.__name__ = callback.__doc__, callback.__name__

    def parse(self, words, program=None):
        """{name: value} of the words of a command line."""
        parser = argparse.ArgumentParser(prog=program, description=inspect.getdoc(self.callback),
                                         formatter_class=argparse.RawDescriptionHelpFormatter,
                                         allow_abbrev=False)
        parameters = self.callback.__dict__.get('click_parameters', [])
        for parameter in parameters:
            parameter.add(parser)
        parsed = parser.parse_args(words)
        return {parameter.name: parameter.value(parsed) for parameter in parameters}

    def main(self, args=None, prog_name=None, standalone_mode=True, **extra):
        words = sys.argv[1:] if args is None else list(args)
        try:
            result = self.invoke(words, prog_name)
        except Abort:
            sys.exit('Aborted!')
        except ClickException as error:
            sys.exit(f'Error: {error}')
        return sys.exit(0) if standalone_mode else result

    def invoke(self, words, program=None):
        return self.callback(**self.parse(words, program))

    def __call__(self, *args, **kwargs):
        return self.main(*args, **kwargs)


class Group(Command):
    """A command of commands: the first word says which."""

    def __init__(self, callback, name=None):
        super().__init__(callback, name)
        self.commands = {}

    def command(self, name=None, **kwargs):
        def decorate(function):
            made = Command(function, name)
            self.commands[made.name] = made
            return made
        return decorate

    def add_command(self, command, name=None):
        self.commands[name or command.name] = command

    def invoke(self, words, program=None):
        place = next((n for n, word in enumerate(words) if word in self.commands), None)
        if place is None:
            self.parse(words, program)                                   # --help ends here
            raise UsageError(f'expected one of the commands {", ".join(sorted(self.commands))}')
        super().invoke(words[:place], program)
        return self.commands[words[place]].invoke(words[place + 1:], program)


def _decorator(kind, name):
    if callable(name):
        return kind(name)
    return lambda function: kind(function, name)


def command(name=None, **kwargs):
    return _decorator(Command, name)


def group(name=None, **kwargs):
    return _decorator(Group, name)


def echo(message=None, file=None, nl=True, err=False, color=None):
    text = message.decode('utf-8', 'replace') if isinstance(message, bytes) else message
    place = file or (sys.stderr if err else sys.stdout)
    print('' if text is None else text, end='\n' if nl else '', file=place, flush=True)


def style(text, **kwargs):
    return str(text)


def secho(message=None, file=None, nl=True, err=False, color=None, **styles):
    echo(message, file, nl, err)


__getattr__ = stub_parts.missing('click')
