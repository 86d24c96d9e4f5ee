#!/usr/bin/env bash
# Build a checked core (address and undefined-behaviour sanitizers) beside the normal one and run tests under it.
# Usage: scripts/sanitize.sh [pytest arguments]; without any: the tests that drive the core.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
export ESBT_SANITIZE=${ESBT_SANITIZE:-address,undefined}
"$python" setup.py -q build --build-base build/sanitized
library=$(echo "$PWD"/build/sanitized/lib.*)
if [ $# -eq 0 ]; then
    set -- -q -p no:cacheprovider tests/test_scenarios.py tests/test_differential.py tests/test_laws.py tests/test_features.py tests/test_forest.py tests/test_hooks.py
fi
preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so) $(gcc -print-file-name=libstdc++.so.6)"
ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD="$preload" PYTHONPATH="$library" ESBT_EXPECT_CORE="$library" \
    "$python" -P -m pytest "$@"
