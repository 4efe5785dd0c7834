"""`run` never touches the network: downloads the script asks for are refused, with the file that would
satisfy them.
"""
import os
import re
import sys
import urllib.error

LOCAL = ('localhost', '127.', '::1', '0.0.0.0')


class DownloadRefused(urllib.error.URLError):
    """A download the script asked for; an URLError, as without a network."""

    def __str__(self):
        return str(self.reason)


def refusal(url, path):
    """The error for a download of `url` to `path` (None when the script did not say where)."""
    where = 'get the file by hand and place it where the script looks for it'
    if path:
        where = f'put the file at {os.path.abspath(path)}'
    return DownloadRefused(f'python -m legacy run never downloads; {where} (asked for: {url})')


def _words(command):
    import shlex
    if isinstance(command, (list, tuple)):
        return [os.fsdecode(word) for word in command]
    try:
        return shlex.split(os.fsdecode(command))
    except ValueError:
        return os.fsdecode(command).split()


def is_download(command):
    """True for a command line (text or list) that fetches something by URL."""
    text = ' '.join(_words(command))
    return bool(re.search(r'\b(wget|curl|git clone|gdown|aria2c)\b', text)
                and re.search(r'https?://|ftp://|git@', text))


def output_of(command):
    """The file a wget or curl command would have written, or None."""
    words = _words(command)
    for flag in ('-o', '-O', '--output', '--output-document'):
        if flag in words[:-1]:
            return words[words.index(flag) + 1]
    return None


def _target():
    """The local file some frame on the stack is downloading to, if one of the known downloaders is at
    work.
    """
    frame = sys._getframe(2)
    while frame is not None:
        names = {'urlretrieve': ('filename',), 'get_file': ('download_target', 'fpath'),
                 'maybe_download': ('filepath',)}
        for name in names.get(frame.f_code.co_name, ()):
            if isinstance(frame.f_locals.get(name), (str, os.PathLike)):
                return frame.f_locals[name]
        frame = frame.f_back
    return None


def _hook(event, args):
    if event == 'urllib.Request' and not str(args[0]).startswith(('file:', 'data:')):
        raise refusal(args[0], _target())
    if event in ('socket.connect', 'socket.getaddrinfo'):
        host = args[1][0] if event == 'socket.connect' and isinstance(args[1], tuple) else args[0]
        if event == 'socket.connect' and not isinstance(args[1], tuple):
            return                                                     # a local (AF_UNIX) socket
        if host is not None and not str(host).startswith(LOCAL):
            raise refusal(str(host), _target())
    if event in ('os.system', 'subprocess.Popen'):
        command = args[0] if event == 'os.system' else args[1]
        if is_download(command):
            raise refusal(' '.join(_words(command)), output_of(command))


def refuse():
    """Turns the refusal on for the rest of the process."""
    sys.addaudithook(_hook)
