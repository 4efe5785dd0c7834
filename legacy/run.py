"""`python -m legacy run SCRIPT …`: an old TensorFlow 1 script, unmodified, as `python SCRIPT …` ran it in
2016–2019.
"""
import argparse
import importlib
import os
import sys
import traceback
import types

import numpy

from errors import UserError
from legacy import input_data, network, notes, processes, session, translate, view
from legacy.command import arguments
from legacy.python2 import StopRun

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def options(argv):
    """Own options stop at the script's name; the rest is the script's."""
    args = arguments(
        'run', 'Run an old TensorFlow 1 script or notebook unmodified. It never touches the network.', argv,
        ('--stop_after', dict(type=int, metavar='N', help='end cleanly after N calls of Session.run')),
        (
            '--map_path',
            dict(
                action='append', default=[], metavar='OLD=NEW',
                help='read and write NEW wherever the '
                'script or its arguments name a path that starts with OLD',
            ),
        ),
        ('--explain', dict(action='store_true', help='list at the end every symbol that was restored')),
        ('-m', dict(action='store_true', dest='module', help='SCRIPT is a module, as with python -m')),
        ('script', dict(help='SCRIPT.py or NOTEBOOK.ipynb')),
        ('arguments', dict(nargs=argparse.REMAINDER, help="the script's own arguments")),
    )
    args.package = None
    if args.module:
        args.package, args.script = module_script(args.script)
    if not os.path.isfile(args.script):
        raise UserError(f'no such file: {args.script}; expected a .py script or an .ipynb notebook')
    if not args.script.endswith(('.py', '.ipynb')):
        raise UserError(f'{args.script} is neither a .py script nor an .ipynb notebook')
    if args.stop_after is not None and args.stop_after < 1:
        raise UserError(f'--stop_after {args.stop_after}: expected a number of Session.run calls, 1 or more',
                        status=2)
    args.paths = []
    for pair in args.map_path:
        old, equals, new = pair.partition('=')
        if not equals or not old or not new:
            raise UserError(
                f'--map_path {pair}: expected OLD=NEW, for example --map_path /data/celebA=data/celebA',
                status=2)
        args.paths.append((old, new))
    return args


def module_script(name):
    """(its package, its file) of a module below the working directory; UserError when there is none."""
    path = os.path.join(os.getcwd(), *name.split('.'))
    if os.path.isfile(path + '.py'):
        return name.rpartition('.')[0], path + '.py'
    if os.path.isfile(os.path.join(path, '__main__.py')):
        return name, os.path.join(path, '__main__.py')
    raise UserError(f'-m {name}: neither {os.path.relpath(path)}.py nor '
                    f'{os.path.relpath(path)}/__main__.py is in the working directory')


def mapped(text, paths):
    """A path under its new name when it starts with an old one."""
    for old, new in paths:
        if text == old or text.startswith(old.rstrip('/') + '/'):
            return new.rstrip('/') + text[len(old.rstrip('/')):]
        key, equals, value = text.partition('=')                       # --data_dir=/old/place
        if equals and value and key.startswith('-') and value != mapped(value, [(old, new)]):
            return key + '=' + mapped(value, [(old, new)])
    return text


def make_world(script, paths):
    """Decides the project's language from the script and everything local that it imports."""
    folder = os.path.dirname(os.path.abspath(script))
    if script.endswith('.ipynb'):
        from legacy import notebook
        evidence, files = notebook.python2_evidence(script), notebook.trees(script)
    else:
        files = translate.project_files(script, [folder, os.getcwd()])
        evidence = translate.python2_evidence(files, [folder])
    input_data.expect_sizes(files)
    if evidence:
        print(f'legacy: read as Python 2 ({evidence}): / divides whole numbers, map and range are lists',
              file=sys.stderr)
    imported = {name.split('.')[0] for tree, _ in files.values() if tree is not None
                for name, level, _ in translate.imported_names(tree) if not level}
    return view.World(script, bool(evidence), paths, 'tensorflow' in imported)


def set_up(args, world):
    """The process as `python SCRIPT` sets it up: argv, sys.path, `__main__`; this project out of the way."""
    if args.module:
        world.folder = os.getcwd()
    sys.argv = [args.script] + [mapped(a, args.paths) for a in args.arguments]
    sys.path[:] = [world.folder] + [p for p in sys.path if os.path.abspath(p or '.') != ROOT]
    sys.meta_path.insert(0, view.Finder(world))
    sys.dont_write_bytecode = True                       # the source tree stays as it is
    # a script's own errors.py, data.py … must not be taken for ours
    for name, module in list(sys.modules.items()):
        file = getattr(module, '__file__', None)
        if file and '.' not in name and os.path.dirname(os.path.abspath(file)) == ROOT and name != '__main__':
            del sys.modules[name]
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    os.environ.setdefault('MPLBACKEND', 'Agg')
    network.refuse()
    if numpy.lib.NumpyVersion(numpy.__version__) >= '2.0.0':
        # str({np.uint8(7): 1}) is written to files that literal_eval reads: '{7: 1}', not '{np.uint8(7): 1}'
        numpy.set_printoptions(legacy='1.25')
    session.COUNT['limit'] = args.stop_after
    if args.stop_after is not None:
        processes.OPTIONS += ['--stop_after', str(args.stop_after)]
    processes.OPTIONS += [word for pair in args.map_path for word in ('--map_path', pair)]
    main = types.ModuleType('__main__')
    main.__dict__.update(__file__=args.script, __builtins__=world.builtins, __package__=args.package,
                         __spec__=None, __cached__=None)
    sys.modules['__main__'] = main
    return main


def report_failure(error):
    """The traceback without the frames of this package, as `python SCRIPT` would print it."""
    own = os.path.dirname(os.path.abspath(__file__)) + os.sep
    frames = error.__traceback__
    while frames is not None and os.path.abspath(frames.tb_frame.f_code.co_filename).startswith((own,
            '<frozen')) and '__legacy__' not in frames.tb_frame.f_builtins:
        frames = frames.tb_next
    shown = traceback.TracebackException(type(error), error, frames)
    if isinstance(error, SyntaxError):                  # its place is in the error, not where it was read
        shown.stack[:] = [frame for frame in shown.stack if not frame.filename.startswith((own, '<frozen'))]
    print(''.join(shown.format()), end='', file=sys.stderr)


def exit_status(error):
    """What the interpreter makes of SystemExit: None is 0, a number itself, a text goes to stderr and is
    1.
    """
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def execute(args, world, main):
    """Runs script or notebook in `main`; returns the exit status."""
    try:
        if args.script.endswith('.ipynb'):
            from legacy import notebook
            notebook.execute(args.script, world, main)
        else:
            if args.package:
                importlib.import_module(args.package)
            exec(world.code_of(args.script), main.__dict__)
        return 0
    except StopRun:
        return 0
    except KeyboardInterrupt:
        if session.COUNT['stopped']:
            return 0
        traceback.print_exc()
        return 130
    except SystemExit as error:
        return exit_status(error)
    except Exception as error:                        # the script's own failure, shown as Python shows it
        report_failure(error)
        return 1


def main(argv):
    """Runs one script; returns its exit status (0 after --stop_after)."""
    args = options(argv)
    world = make_world(args.script, args.paths)
    module = set_up(args, world)
    status = execute(args, world, module)
    sys.stdout.flush()
    if session.COUNT['stopped']:
        print(f'legacy: stopped after {args.stop_after} Session.run calls', file=sys.stderr)
    if args.explain:
        notes.report(sys.stderr)
    session.finish()
    return session.exit_now(status)
