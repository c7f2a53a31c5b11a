#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole test suite: test.sh [ctest options]
# Units run on 1, 2 and 3 ranks, tests/cases on NP (2).
# KIRCHHOFF_REFERENCE_DATA names a folder of reference data; without it the tests that need it say so and are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh
export NP="${NP:-2}"
exec ctest --preset release -j "$(nproc)" "$@"
