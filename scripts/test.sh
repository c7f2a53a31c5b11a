#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole test suite: test.sh [ctest options]
# KIRCHHOFF_REFERENCE_DATA names a folder of reference data; without it the tests that need it say so and are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh
exec ctest --preset release -j "$(nproc)" "$@"
