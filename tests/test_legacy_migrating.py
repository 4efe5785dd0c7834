"""docs/migrating.md: the commands it shows for `run` and `check` do what it says, on a small project of
that time.
"""
import json
import re
import shutil

import pytest

from legacy_running import ROOT, legacy

PAGE = (ROOT / 'docs' / 'migrating.md').read_text()


def commands():
    """The `python -m legacy run` and `check` lines of the page's code blocks."""
    blocks = re.findall(r'```sh\n(.*?)```', PAGE, re.S)
    return [line for block in blocks for line in block.splitlines()
            if re.match(r'python -m legacy (run|check) ', line)]


@pytest.fixture(scope='module')
def old_repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp('old') / 'repository'
    shutil.copytree(ROOT / 'tests' / 'legacy_project', folder, ignore=shutil.ignore_patterns('__pycache__'))
    return folder


def test_the_page_shows_run_and_check():
    assert len(commands()) >= 3


@pytest.mark.parametrize('command', commands())
def test_each_command_works(old_repository, command):
    done = legacy(*command.split()[3:], cwd=old_repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize('option', re.findall(r'^\| `(--\w+)', PAGE, re.M))
def test_each_option_of_the_table_exists(option):
    from legacy import run
    words = {'--stop_after': ['--stop_after', '3'], '--map_path': ['--map_path', 'a=b']}.get(option, [option])
    assert run.options(words + [str(ROOT / 'tests' / 'legacy_project' / 'main.py')])


def test_a_notebook_runs_as_the_page_says(tmp_path):
    book = {'cells': [{'cell_type': 'code', 'source': 'print(6 * 7)'}]}
    (tmp_path / 'notebook.ipynb').write_text(json.dumps(book))
    assert 'python -m legacy run notebook.ipynb' in PAGE
    assert legacy('run', 'notebook.ipynb', cwd=tmp_path).stdout == '42\n'
