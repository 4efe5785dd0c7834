"""The short form of the crash campaign: a few kills of forked processes."""
import os
import subprocess
import sys


def test_killed_runs_leave_whole_files_and_end_with_the_same_bits():
    # In a process of its own: a fork of one that has run sessions lacks their threads.
    done = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), 'campaign.py'), '--kills', '3', '--subprocesses', '0'],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'passed: 3 kills' in done.stdout
