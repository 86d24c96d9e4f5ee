#!/usr/bin/env bash
# Build the wheel and use it in a virtual environment of its own, away from the source tree: import, one backtest, headers included, and
# the hook examples of the docs.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m pip wheel -q --no-deps -w "$folder" .
"$python" -m venv --system-site-packages "$folder/venv"
site=$("$python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
"$folder/venv/bin/pip" install -q --no-deps --no-index "$folder"/esbt-*.whl
repository=$PWD
cd "$folder"
PYTHONPATH= "$folder/venv/bin/python" -P - "$site" "$folder" <<'PY'
import sys
from pathlib import Path

sys.path.append(sys.argv[1])  # third-party packages of the calling environment, after the wheel's own
import esbt
import esbt.hooks

home = Path(esbt.__file__).parent
assert home.is_relative_to(sys.argv[2]), home
result = esbt.backtest(esbt.synthetic_bars(days=20), esbt.AtrStrategy())
assert len(result.trades) > 0
headers = ("include/esbt/hook.h", "include/esbt/step.hpp", "include/esbt/features/kind.hpp")
for name in (*headers, "hooks.pxd", "py.typed", "_core.pyi", "features/functions.pyi"):
    assert (home / name).is_file(), name
print(f"wheel works: {len(result.trades)} trades from {home}")
PY
# User code in the loop, built against the wheel's own headers and pxd.
PYTHONPATH=$site "$folder/venv/bin/python" -P -m pytest -q -p no:cacheprovider -c /dev/null --rootdir="$folder" --noconftest --import-mode=importlib \
    "$repository/tests/test_hook_languages.py"
