"""The `esbt` command run in the test's own process, and the words and the environment of one in a process of its own."""

import os
import sys

import pytest

from esbt import cli

CALL = [sys.executable, "-c", "from esbt.cli import main; main()"]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "200"}


def main(monkeypatch, capsys, *words):
    """(exit code, stdout, stderr) of `esbt` with these words."""
    monkeypatch.setattr(sys, "argv", ["esbt", *words])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err
