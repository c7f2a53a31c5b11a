#!/usr/bin/env bash
# Installs a build into a temporary folder and builds a project against it: check_install.sh BUILD_DIR CXX_FLAGS
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$1" --prefix "$scratch/installed" >/dev/null
cmake -G Ninja -S "$here/consumer" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$scratch/installed" \
  -DCMAKE_CXX_FLAGS="${2:-}" >/dev/null
cmake --build "$scratch/consumer"
"$scratch/consumer/consumer" | tee "$scratch/said"
grep -qx 'kirchhoff [^ ]*: 48 vertices' "$scratch/said"
