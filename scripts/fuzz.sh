#!/usr/bin/env bash
# Random markets, plans and hooks through the bare core, and sweeps of random lanes through its engine for each target, under the address
# and undefined-behaviour sanitizers.
# Usage: scripts/fuzz.sh [cases] [first seed]; a broken law prints the seed of its case: scripts/fuzz.sh 1 SEED runs it alone. A sweep is
# as much work as seven single runs: there is one case of it for seven.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/fuzz
cases=${1:-20000} first=${2:-1}
export UBSAN_OPTIONS=print_stacktrace=1
for driver in fuzz_simulate fuzz_lanes; do
    ${CXX:-g++} -std=c++20 -O1 -g -fno-omit-frame-pointer -ffp-contract=off -Wall -Wextra -Werror \
        -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all \
        -Icsrc -Itests/fuzz "tests/fuzz/$driver.cpp" -o "build/fuzz/$driver"
done
build/fuzz/fuzz_simulate "$cases" "$first"
for target in baseline avx2; do # the second is the first where the machine has no AVX2
    ESBT_TARGET=$target build/fuzz/fuzz_lanes $(((cases + 6) / 7)) "$first"
done
