"""download.py against a server on this machine that sends the right file, half of it, other bytes, or web pages."""
import gzip
import hashlib
import http.server
import os
import re
import stat
import subprocess
import sys
import threading
import time
import zipfile

import pytest

import bad_inputs
import data
import download
from errors import UserError

ROOT = os.path.dirname(os.path.abspath(download.__file__))
CONTENT = b'\x1f\x8b' + os.urandom(300_000)


class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of the path says how to behave; `log` keeps (path, Range header)."""
    log, flaky = [], {}

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, headers=(), announced=None):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body) if announced is None else announced))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        kind = self.path.split('/')[1]
        asked = self.headers.get('Range')
        Handler.log.append((kind, asked))
        first = int(re.fullmatch(r'bytes=(\d+)-', asked)[1]) if asked else 0
        page = b'<!DOCTYPE html><html>Quota exceeded</html>'
        if kind == 'missing':
            self.answer(404, page, [('Content-Type', 'text/html')])
        elif kind == 'page':
            self.answer(200, page, [('Content-Type', 'text/html')])
        elif kind == 'page-unlabelled':
            self.answer(200, page + b' ' * (len(CONTENT) - len(page)))
        elif kind == 'wrong':
            self.answer(200, CONTENT[:2] + bytes(len(CONTENT) - 2))
        elif kind == 'long':
            self.answer(200, CONTENT + b'x', [('Transfer-Hint', 'none')])
        elif kind == 'endless':
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(CONTENT)
            except (BrokenPipeError, ConnectionResetError):
                pass
        elif kind == 'moved':
            self.answer(302, b'', [('Location', '/good/file')])
        elif kind in ('good', 'cut', 'cut-no-range', 'cut-always'):
            if first >= len(CONTENT):
                return self.answer(416, b'')
            ranged = first and kind != 'cut-no-range'
            body = CONTENT[first if ranged else 0:]
            headers = [('Content-Range', f'bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}')] if ranged else []
            cut = len(body)
            if kind == 'cut-always':
                cut = 0 if first else 50_000
            elif kind != 'good' and Handler.flaky.setdefault(self.path, 0) < 2:
                Handler.flaky[self.path] += 1
                cut = min(cut, 100_000 * Handler.flaky[self.path])
            self.answer(206 if ranged else 200, body[:cut], headers, len(body))
        elif kind == 'unsized':
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONTENT)


@pytest.fixture(scope='module')
def server():
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{server.server_address[1]}'
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    Handler.log.clear()
    Handler.flaky.clear()
    monkeypatch.setenv('no_proxy', '127.0.0.1')


def a_file(server, *kinds, **changes):
    file = download.File('set.gz', tuple(f'{server}/{kind}/set.gz' for kind in kinds), len(CONTENT),
                         hashlib.md5(CONTENT).hexdigest(), b'\x1f\x8b')
    return file._replace(**changes)


def fetched(file, folder):
    """(whether it came, what was said, the names in the folder)"""
    said = []
    came = download.fetch(file, str(folder), said.append)
    if came:
        with open(os.path.join(folder, file.name), 'rb') as got:
            assert got.read() == CONTENT
    return came, '\n'.join(said), sorted(os.listdir(folder))


@pytest.mark.parametrize('kind', ['good', 'moved', 'unsized', 'cut', 'cut-no-range'])
def test_a_file_comes_whole(server, tmp_path, kind):
    came, said, names = fetched(a_file(server, kind), tmp_path / 'new')
    assert came and names == ['set.gz'] and 'fetched from' in said
    if kind == 'cut':
        assert [asked for _, asked in Handler.log] == [None, 'bytes=100000-', 'bytes=300000-']


@pytest.mark.parametrize('kind, words', [
    ('missing', '404'), ('page', 'a web page'), ('page-unlabelled', 'a web page'), ('wrong', 'MD5'), ('long', 'expected 300,002'),
    ('endless', 'more than'), ('cut-always', 'too early|nothing')])
def test_what_is_not_the_file_is_refused_and_leaves_nothing(server, tmp_path, kind, words):
    came, said, names = fetched(a_file(server, kind), tmp_path)
    assert not came and re.search(words, said)
    assert names == (['set.gz.part'] if kind == 'cut-always' else [])


@pytest.mark.parametrize('kind, words', [('page', 'a web page'), ('wrong', 'MD5'), ('long', 'MD5')])
def test_the_same_without_a_known_size(server, tmp_path, kind, words):
    came, said, names = fetched(a_file(server, kind, size=None), tmp_path)
    assert not came and re.search(words, said) and names == []


def test_the_next_mirror_is_tried(server, tmp_path):
    came, said, names = fetched(a_file(server, 'missing', 'page', 'wrong', 'cut-always', 'good'), tmp_path)
    assert came and names == ['set.gz']
    assert Handler.log[-1] == ('good', 'bytes=50000-')              # goes on after what the last one sent


def test_no_server_at_all(tmp_path):
    came, said, names = fetched(a_file('http://127.0.0.1:9', 'good'), tmp_path)
    assert not came and 'no connection' in said and names == []


def test_a_download_goes_on_where_an_earlier_one_stopped(server, tmp_path):
    bad_inputs.write(tmp_path, 'set.gz.part', CONTENT[:123_456])
    assert fetched(a_file(server, 'good'), tmp_path)[0]
    assert Handler.log == [('good', 'bytes=123456-')]


@pytest.mark.parametrize('part', [CONTENT, b'\x1f\x8b' + bytes(len(CONTENT) - 2), CONTENT + b'too long', b'garbage' * 99])
def test_a_strange_part_file_does_no_harm(server, tmp_path, part):
    bad_inputs.write(tmp_path, 'set.gz.part', part)
    assert fetched(a_file(server, 'good'), tmp_path)[0::2] == (True, ['set.gz'])


def test_what_is_there_is_left_alone_and_what_is_damaged_is_fetched_again(server, tmp_path):
    bad_inputs.write(tmp_path, 'set.gz', CONTENT)
    assert 'already there' in fetched(a_file(server, 'good'), tmp_path)[1] and Handler.log == []
    bad_inputs.write(tmp_path, 'set.gz', CONTENT[:-1])
    assert fetched(a_file(server, 'good'), tmp_path)[0] and len(Handler.log) == 1
    bad_inputs.write(tmp_path, 'set.gz', CONTENT[:-1])
    assert not fetched(a_file(server, 'missing'), tmp_path / 'elsewhere')[0]
    assert not download.fetch(a_file(server, 'missing'), str(tmp_path), lambda line: None)
    with open(tmp_path / 'set.gz', 'rb') as file:                   # a failed try does not touch it
        assert file.read() == CONTENT[:-1]


def test_a_copy_compressed_by_somebody_else_counts(server, tmp_path):
    text = b'the digits' * 99
    file = a_file(server, 'missing', content_md5=hashlib.md5(text).hexdigest())
    bad_inputs.write(tmp_path, 'set.gz', gzip.compress(text))
    assert download.fetch(file, str(tmp_path), lambda line: None)
    bad_inputs.write(tmp_path, 'raw/set', text)
    assert download.fetch(file, str(tmp_path / 'raw'), lambda line: None)
    bad_inputs.write(tmp_path, 'set.gz', gzip.compress(text)[:-9])
    assert not download.fetch(file, str(tmp_path), lambda line: None)


def test_a_full_disk_is_said_before_anything_is_fetched(server, tmp_path):
    came, said, names = fetched(a_file(server, 'good', size=2 ** 60), tmp_path)
    assert not came and 'the disk has' in said and Handler.log == []


def test_the_sample_digits_count_as_fetched():
    said = []
    for file in download.DATASETS['mnist'].files[2:]:
        assert download.fetch(file, os.path.join(ROOT, 'data', 'mnist'), said.append)
    assert all('already there' in line for line in said)


def test_the_table_is_well_formed():
    for name in (*download.DATASETS, 'lsun', 'lsun:tower_val'):
        source = download.source_of(name)
        assert '{folder}' in source.manual and '\n' not in source.manual
        for file in source.files:
            assert file.urls and all(url.startswith('http') and ' ' not in url for url in file.urls)
            assert file.magic and (file.md5 is None or re.fullmatch('[0-9a-f]{32}', file.md5))
            assert file.md5 or source.unpack                        # without a checksum only where the zip brings its own
    assert set(data.DOWNLOADS) == {*download.DATASETS, 'lsun'}


def run(*arguments, sources=None):
    """The command in a process of its own, with another table of data sets."""
    script = 'import sys, download\n'
    if sources is not None:
        script += f'from download import File, Source\ndownload.DATASETS = {sources!r}\n'
    script += 'sys.exit(download.main(sys.argv[1:]))'
    return subprocess.run([sys.executable, '-c', script, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)


def test_the_command_line(server, tmp_path):
    sources = {'one': download.Source('one', (a_file(server, 'good'),), 'fetch it yourself into {folder}'),
               'two': download.Source('two', (a_file(server, 'missing'),), 'put set.gz into {folder}')}
    done = run('one', 'ONE', '--data_dir', tmp_path, sources=sources)
    assert (done.returncode, done.stderr) == (0, '') and os.listdir(tmp_path) == ['one']
    assert 'fetched' in done.stdout and 'already there' in done.stdout
    done = run('one', 'two', '--data_dir', tmp_path, sources=sources)
    assert done.returncode == 1 and done.stderr == '' and os.listdir(tmp_path) == ['one']
    assert f'By hand: put set.gz into {tmp_path}/two' in done.stdout and '404' in done.stdout


@pytest.mark.parametrize('arguments, words', [([], 'NAME'), (['minst'], 'did you mean mnist'), (['lsun:garden'], 'church_outdoor'),
                                              (['mnist', '--datadir', 'x'], '--datadir')])
def test_wrong_usage(arguments, words, tmp_path):
    done = run(*arguments)
    assert done.returncode == 2 and words in done.stderr and 'Traceback' not in done.stderr


def test_ctrl_c_keeps_what_came_and_says_so(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt
    monkeypatch.setattr(download, 'get', interrupted)
    assert download.main(['mnist', '--data_dir', str(tmp_path)]) == 130
    assert 'goes on' in capsys.readouterr().err


# ---------------------------------------------------------------- zip files

def make_zip(path, entries):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return str(path)


def test_lsun_is_unpacked_and_its_zip_removed(tmp_path, server, monkeypatch):
    folder = tmp_path / 'lsun'
    folder.mkdir()
    make_zip(folder / 'tower_val_lmdb.zip', [('tower_val_lmdb/data.mdb', b'pages', 0), ('tower_val_lmdb/lock.mdb', b'', 0)])
    assert download.get('lsun:tower_val', str(tmp_path), lambda line: None)
    assert os.listdir(folder) == ['tower_val_lmdb'] and sorted(os.listdir(folder / 'tower_val_lmdb')) == ['data.mdb', 'lock.mdb']
    said = []
    assert download.get('lsun:tower_val', str(tmp_path), said.append) and 'already there' in said[0]


@pytest.mark.parametrize('name, mode, words', [
    ('../evil', 0, 'leads out'), ('/etc/evil', 0, 'leads out'), ('a/../../evil', 0, 'leads out'), ('..\\evil', 0, 'leads out'),
    ('C:/evil', 0, 'leads out'), ('\\evil', 0, 'leads out'), ('link', stat.S_IFLNK | 0o777, 'not a plain file'),
    ('pipe', stat.S_IFIFO | 0o600, 'not a plain file')])
def test_a_zip_never_writes_outside_its_folder(tmp_path, name, mode, words):
    folder = tmp_path / 'in'
    folder.mkdir()
    path = make_zip(tmp_path / 'x.zip', [('good.txt', b'x', 0), (name, b'/etc/passwd', mode)])
    with pytest.raises(UserError, match=words):
        download.unpack_zip(path, str(folder))
    assert os.listdir(folder) == [] and sorted(os.listdir(tmp_path)) == ['in', 'x.zip']


def test_a_damaged_zip_unpacks_nothing(tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()
    path = make_zip(tmp_path / 'x.zip', [('a/good.txt', b'x' * 999, 0), ('a/bad.txt', os.urandom(999), 0)])
    with open(path, 'r+b') as file:
        content = bytearray(file.read())
        content[content.index(b'a/bad.txt') + 200] ^= 255
        file.seek(0)
        file.write(content)
    with pytest.raises(UserError, match='cannot be unpacked'):
        download.unpack_zip(path, str(folder))
    bad_inputs.write(tmp_path, 'y.zip', b'PK\x03\x04' + bytes(99))
    with pytest.raises(UserError, match='cannot be unpacked'):
        download.unpack_zip(str(tmp_path / 'y.zip'), str(folder))
    assert os.listdir(folder) == []


def test_a_zip_bomb_is_refused_by_its_announced_size(tmp_path, monkeypatch):
    path = make_zip(tmp_path / 'x.zip', [('zeros', bytes(2 ** 20), 0)])
    monkeypatch.setattr(download, 'UNPACKED_RESERVE', 2 ** 60)
    start = time.monotonic()
    with pytest.raises(UserError, match='unpacks to'):
        download.unpack_zip(path, str(tmp_path))
    assert os.listdir(tmp_path) == ['x.zip'] and time.monotonic() - start < 1
