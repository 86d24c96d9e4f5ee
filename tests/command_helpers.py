"""The `esbt` command run in the test's own process."""

import sys

import pytest

from esbt import cli


def main(monkeypatch, capsys, *words):
    """(exit code, stdout, stderr) of `esbt` with these words."""
    monkeypatch.setattr(sys, "argv", ["esbt", *words])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err
