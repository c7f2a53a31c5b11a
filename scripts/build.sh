#!/usr/bin/env bash
# Installs what is missing and builds a preset: build.sh [release|dev|asan] [CMake options]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:-release}
shift || true
scripts/setup.sh
if [ $# -gt 0 ] || [ ! -f "build/$preset/build.ninja" ]; then cmake --preset "$preset" "$@"; fi
cmake --build --preset "$preset" -- --quiet
