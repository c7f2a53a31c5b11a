# Everything outside that kirchhoff links. Included by the build itself and, once installed, by find_package(kirchhoff).

find_package(PkgConfig REQUIRED)

set(MPI_CXX_SKIP_MPICXX TRUE) # the C interface only: the C++ bindings left the standard in 2012
find_package(MPI REQUIRED COMPONENTS CXX)

# PETSC_DIR and PETSC_ARCH, as variables of CMake or of the environment, come before the system's PETSc.
foreach(name PETSC_DIR PETSC_ARCH)
  if(NOT DEFINED ${name} AND DEFINED ENV{${name}})
    set(${name} "$ENV{${name}}")
  endif()
endforeach()
if(PETSC_DIR)
  set(kirchhoff_pkg_config_path "$ENV{PKG_CONFIG_PATH}")
  set(ENV{PKG_CONFIG_PATH} "${PETSC_DIR}/${PETSC_ARCH}/lib/pkgconfig:${PETSC_DIR}/lib/pkgconfig:$ENV{PKG_CONFIG_PATH}")
endif()
pkg_check_modules(KIRCHHOFF_PETSC REQUIRED IMPORTED_TARGET GLOBAL PETSc>=3.18)
if(PETSC_DIR)
  set(ENV{PKG_CONFIG_PATH} "${kirchhoff_pkg_config_path}")
endif()
# Debian's file passes on flags of its own build, among them a _FORTIFY_SOURCE that sanitizers and -O0 do not want.
set_property(TARGET PkgConfig::KIRCHHOFF_PETSC PROPERTY INTERFACE_COMPILE_OPTIONS "")
find_file(KIRCHHOFF_PETSCCONF petscconf.h PATHS ${KIRCHHOFF_PETSC_INCLUDE_DIRS} NO_DEFAULT_PATH REQUIRED)
file(STRINGS "${KIRCHHOFF_PETSCCONF}" kirchhoff_petsc_unfit REGEX "define PETSC_USE_(COMPLEX|REAL_SINGLE|REAL___FLOAT128) ")
if(kirchhoff_petsc_unfit)
  message(FATAL_ERROR "kirchhoff needs a PETSc with real double-precision scalars; ${KIRCHHOFF_PETSCCONF} says "
                      "${kirchhoff_petsc_unfit}. Point PETSC_DIR and PETSC_ARCH to another one.")
endif()

set(HDF5_PREFER_PARALLEL TRUE)
find_package(HDF5 REQUIRED COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "kirchhoff needs HDF5 built with MPI, and the one found is serial (${HDF5_C_INCLUDE_DIRS}). "
                      "On Debian: apt-get install libhdf5-openmpi-dev; elsewhere set HDF5_ROOT.")
endif()

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(fmt REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(BZip2 REQUIRED)
find_package(LibLZMA REQUIRED)
pkg_check_modules(KIRCHHOFF_ZSTD REQUIRED IMPORTED_TARGET GLOBAL libzstd)
find_package(EXPAT REQUIRED)
find_package(TIFF 4.5) # optional: rasters in GeoTIFF
pkg_check_modules(KIRCHHOFF_YAML REQUIRED IMPORTED_TARGET GLOBAL yaml-0.1)
pkg_check_modules(KIRCHHOFF_XXHASH REQUIRED IMPORTED_TARGET GLOBAL libxxhash>=0.8)
pkg_check_modules(KIRCHHOFF_ZIP REQUIRED IMPORTED_TARGET GLOBAL libzip)
pkg_check_modules(KIRCHHOFF_FFTW REQUIRED IMPORTED_TARGET GLOBAL fftw3 fftw3f)
find_package(nanoflann 1.4 REQUIRED)
find_package(Boost 1.71 REQUIRED) # headers only: Multiprecision

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h)
if(NOT RANDOM123_INCLUDE_DIR)
  message(FATAL_ERROR "kirchhoff needs the Random123 headers (Random123/philox.h). On Debian: apt-get install "
                      "librandom123-dev; elsewhere set RANDOM123_INCLUDE_DIR.")
endif()
if(NOT TARGET Random123::Random123)
  add_library(Random123::Random123 INTERFACE IMPORTED GLOBAL)
  set_property(TARGET Random123::Random123 PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${RANDOM123_INCLUDE_DIR}")
endif()
