"""Trains and visualizes GANs: the command line of DCGAN-tensorflow, on today's TensorFlow.

    python main.py --dataset faces --input_height 96 --output_height 48 --crop --train
"""
import difflib
import os
import sys
import typing

import signals

if __name__ == '__main__':
    signals.at_once().__enter__()       # before the imports that follow, for good

from absl import flags

from config import Config, expand_path, flag_fields
from errors import UserError

# Names of still older versions, and --class, which no Python attribute can be called.
RENAMED = {'is_train': 'train', 'is_crop': 'crop', 'image_size': 'input_height', 'output_size': 'output_height'}
SHORT = {'class': 'class_name'}
BOOLEANS = {'true': 'true', 't': 'true', '1': 'true', 'yes': 'true', 'y': 'true',
            'false': 'false', 'f': 'false', '0': 'false', 'no': 'false', 'n': 'false'}
FIELDS = {field.name: field for field in flag_fields()}
TYPES = typing.get_type_hints(Config)


def define_flags():
    """A fresh absl FlagValues with one flag for each setting of Config."""
    values = flags.FlagValues()
    define = {bool: flags.DEFINE_boolean, int: flags.DEFINE_integer, float: flags.DEFINE_float, str: flags.DEFINE_string}
    for name, field in FIELDS.items():
        define[TYPES[name]](name, field.default, field.metadata['help'], flag_values=values)
    return values


def normalized(arguments, note=lambda line: print(line, file=sys.stderr)):
    """Old spellings → today's: renamed flags, and boolean flags with a separate value (`--train False`).

    Raises UserError for anything that is not a flag.
    """
    result, arguments = [], list(arguments)
    while arguments:
        argument = arguments.pop(0)
        if not argument.startswith('-') or argument in ('-', '--'):
            before = f' after {result[-1]}' if result else ''
            raise UserError(f'unexpected argument {argument!r}{before}: flags start with --, and a value with spaces needs quotes', status=2)
        name, equals, value = argument.lstrip('-').partition('=')
        name = name.replace('-', '_')
        if name in RENAMED:
            note(f'--{name} is now called --{RENAMED[name]}')
        name = RENAMED.get(name, SHORT.get(name, name))
        if TYPES.get(name) is bool and name in FIELDS:
            if not equals:
                value = arguments.pop(0) if arguments and arguments[0].lower() in BOOLEANS else 'true'
            if value.lower() not in BOOLEANS:
                raise UserError(f'--{name}={value}: expected true or false', status=2)
            result.append(f'--{name}={BOOLEANS[value.lower()]}')
        elif name.startswith('no') and TYPES.get(RENAMED.get(name[2:], name[2:])) is bool and not equals:
            result.append(f'--{RENAMED.get(name[2:], name[2:])}=false')
        elif name not in FIELDS:
            raise UserError(f'unknown flag --{name if name.isprintable() else ascii(name)}{_nearest_flag(name)}; python main.py --help lists '
                            f'the flags', status=2)
        elif equals:
            result.append(f'--{name}={value}')
        elif not arguments:
            raise UserError(f'--{name} needs a value: {FIELDS[name].metadata["help"]}', status=2)
        else:
            result.append(f'--{name}={arguments.pop(0)}')
    return result


def _nearest_flag(name):
    close = difflib.get_close_matches(name, [*FIELDS, *RENAMED, *SHORT], n=1, cutoff=0.6)
    return f' (did you mean --{close[0]}?)' if close else ''


def parse(arguments):
    """Command line → (Config with the plugin's defaults applied, the names of the flags that were typed)."""
    values = define_flags()
    try:
        values(['main.py', *normalized(arguments)])
    except flags.Error as error:
        raise UserError(str(error).replace('flag ', '', 1), status=2) from error
    typed = {name for name in FIELDS if values[name].present}
    import plugins      # only now: TensorFlow takes seconds to import, and a mistyped flag need not wait for it
    plugin = plugins.load(plugins.choose(expand_path(values.plugin), values.dataset))
    for name, default in plugin.flags.items():      # command line > plugin > Config
        try:
            values.set_default(name, default)
        except flags.Error as error:
            raise UserError(f'plugin {plugin.name}: PLUGIN.flags: {str(error).replace("flag ", "", 1)}') from error
    settings = {name: getattr(values, name) for name in FIELDS}
    settings['plugin'] = settings['plugin'] or plugin.name
    return Config(**settings, pattern_is_default='input_fname_pattern' not in typed).resolved(), typed


def help_text():
    """All flags by group, one line each."""
    lines, group = [__doc__.strip(), ''], None
    for name, field in FIELDS.items():
        if field.metadata['group'] != group:
            group = field.metadata['group']
            lines += ['', f'{group}:']
        default = '' if field.default in (None, '', False) else f' [{field.default}]'
        shown = {'class_name': 'class'}.get(name, name)
        choices = ' | '.join(choice for choice in field.metadata['choices'] or () if choice)
        lines.append(f'  --{shown:<22} {field.metadata["help"]}{f" ({choices})" if choices else ""}{default}')
    return '\n'.join(lines)


def list_plugins():
    """name, data, size, objective, source of every plugin."""
    import losses
    import plugins
    rows = [('name', 'data', 'size', 'objective', 'source')]
    for name in plugins.names():
        plugin = plugins.load(name)
        cfg = Config(**plugin.flags)
        schedule = ' '.join(update.player.upper() + (f'/{update.every}' if update.every > 1 else '')
                            for update in plugin.objective.updates)
        loss = next((name for name, loss in losses.BY_NAME.items() if loss is plugin.objective.loss), 'own loss')
        labelled = {'never': '', 'optional': ', --labels', 'always': ', labelled'}[plugin.conditional]
        rows.append((name, cfg.dataset if 'dataset' in plugin.flags else 'any images' + labelled,
                     f'{cfg.output_height}x{cfg.output_width or cfg.output_height}', f'{loss}, {schedule}', plugin.source))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return '\n'.join('  '.join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]) for row in rows)


def main(arguments):
    """Runs one command; returns its exit status."""
    try:
        if any(argument in ('-h', '--help', '-help', '--helpfull', '--helpshort') for argument in arguments):
            print(help_text(), flush=True)
            return 0
        with signals.at_once():
            cfg, typed = parse(arguments)
        with signals.quietly():
            return _run(cfg, typed)
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        return error.status
    except signals.Stopped as stopped:
        print(f'stopped by {stopped.name}', file=sys.stderr)
        return stopped.code
    except BrokenPipeError:       # `| head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(cfg, typed):
    if cfg.list_plugins:
        print(list_plugins(), flush=True)
        return 0
    import plugins
    if cfg.train:
        import training
        return training.train(cfg, plugins.load(cfg.plugin))
    import runs
    import sampling
    run, found = runs.found(cfg, typed, print)
    return sampling.command(cfg, typed, run, found)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
