#!/usr/bin/env bash
# Build a checked core (address and undefined-behaviour sanitizers) beside the normal one and run tests under it.
# Usage: scripts/sanitize.sh [pytest arguments]; without any: the tests that drive the core.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
export ESBT_SANITIZE=${ESBT_SANITIZE:-address,undefined}
home=$PWD/build/sanitized
mkdir -p "$home"
printf '[build]\nbuild_base = build/sanitized/base\n' > "$home/build.cfg" # never mixed with the objects of the normal build
DIST_EXTRA_CONFIG=$home/build.cfg "$python" -m pip install -q --no-deps --upgrade --target "$home/site" .
grep -q __asan_init "$home"/site/esbt/_core.*.so

preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so) $(gcc -print-file-name=libstdc++.so.6)"
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$home/site
LD_PRELOAD=$preload "$python" -P -c "import esbt._core; assert esbt._core.__file__.startswith('$home'), esbt._core.__file__"
if [ $# -eq 0 ]; then
    set -- -q tests/test_scenarios.py tests/test_differential.py tests/test_laws.py tests/test_features.py tests/test_forest.py tests/test_forest_input.py tests/test_hooks.py tests/test_sweep_engine.py
fi
LD_PRELOAD=$preload "$python" -P -m pytest -p no:cacheprovider "$@"
