#!/usr/bin/env bash
# Random markets, plans and hooks through the bare core under the address and undefined-behaviour sanitizers.
# Usage: scripts/fuzz.sh [cases] [first seed]; a broken law prints the seed of its case: scripts/fuzz.sh 1 SEED runs it alone.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/fuzz
${CXX:-g++} -std=c++20 -O1 -g -fno-omit-frame-pointer -ffp-contract=off -Wall -Wextra -Werror \
    -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all \
    -Icsrc -Itests/fuzz tests/fuzz/fuzz_simulate.cpp -o build/fuzz/fuzz_simulate
UBSAN_OPTIONS=print_stacktrace=1 build/fuzz/fuzz_simulate "${1:-20000}" "${2:-1}"
