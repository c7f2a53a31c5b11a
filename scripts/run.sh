#!/usr/bin/env bash
# Installs what is missing, builds, and does the whole job of a case: run.sh [CASE.yaml] [kirchhoff options]
# NP is the number of ranks (2). The case is data/cases/moons_to_swiss_roll.yaml unless one is named.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

case ${1:-} in
  '' | -*) input=$top/data/cases/moons_to_swiss_roll.yaml ;;
  *) input=$1 && shift ;;
esac
"$top/scripts/build.sh"
. "$top/scripts/env.sh"
exec mpiexec -n "${NP:-2}" "$top/build/release/kirchhoff" run "$input" "$@"
