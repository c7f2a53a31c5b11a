#!/usr/bin/env bash
# Sees to it that all that kirchhoff is built from is there: setup.sh [--ci]
#   On Debian and its relatives it installs what is missing, as root or through sudo, and nothing when nothing is missing.
#   Elsewhere it lists what is missing. PETSC_DIR and PETSC_ARCH choose a PETSc of one's own.
#   --ci: also what only the checks of .ci/run need.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config git
  libopenmpi-dev openmpi-bin libhdf5-openmpi-dev
  libeigen3-dev libfmt-dev librandom123-dev nlohmann-json3-dev libyaml-dev zlib1g-dev libbz2-dev libzip-dev libfftw3-dev
  liblzma-dev libzstd-dev libexpat1-dev libtiff-dev
  libnanoflann-dev libxxhash-dev libboost-dev # of Boost, Multiprecision's headers
  libopenblas0-serial # 3 times the reference BLAS; the threaded builds would fight with the ranks
  libgtest-dev libgmock-dev libbenchmark-dev python3 python3-h5py
)
[ -n "${PETSC_DIR:-}" ] || packages+=(libpetsc-real-dev)
# clang 14, which is Debian 12's default, does not know std::source_location.
[ "${1:-}" != --ci ] ||
  packages+=(clang-format clang-tidy-16 clang-16 libclang-rt-16-dev python3-numpy ngspice gcovr)

install_missing() {
  local installed missing=() package become=()
  # dpkg-query fails when it knows nothing of one of them, which is no failure here.
  installed=" $({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true; } |
    sed -n 's/^installed //p' | tr '\n' ' ') "
  for package in "${packages[@]}"; do
    [[ $installed == *" $package "* ]] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "error: missing, and neither root nor sudo to install it: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    become=(sudo)
  fi
  echo "installing ${missing[*]}"
  local apt=("${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}

list_missing() {
  local missing=() name
  for name in c++ cmake ninja pkg-config mpiexec h5pcc python3; do
    command -v "$name" >/dev/null || missing+=("the program $name")
  done
  local path="${PETSC_DIR:-}/${PETSC_ARCH:-}/lib/pkgconfig:${PETSC_DIR:-}/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
  for name in 'PETSc >= 3.18' 'yaml-0.1' 'libxxhash >= 0.8' 'libzip' 'fftw3' 'eigen3 >= 3.4' 'fmt' 'zlib' 'liblzma' 'libzstd' 'expat' 'gtest >= 1.12'; do
    PKG_CONFIG_PATH=$path pkg-config --exists "$name" 2>/dev/null || missing+=("$name (pkg-config)")
  done
  for name in Random123/philox.h nlohmann/json.hpp nanoflann.hpp bzlib.h boost/multiprecision/cpp_bin_float.hpp; do
    echo "#include <$name>" | c++ -E -x c++ - >/dev/null 2>&1 || missing+=("the header $name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  # CMake looks in more places than this list and has the last word.
  printf 'not found: %s\n' "${missing[@]}" >&2
  echo "This is not Debian: where CMake does not find these, install them, or set PETSC_DIR, HDF5_ROOT or CMAKE_PREFIX_PATH." >&2
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  install_missing
else
  list_missing
fi
