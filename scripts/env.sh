# Sourced by the scripts and read by tests/CMakeLists.txt: the environment that MPI programs run in.
# More ranks than cores is usual on a workstation: ranks then yield instead of spinning and are not bound to a core.
export OMPI_ALLOW_RUN_AS_ROOT=1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1
# They talk through the memory that they share. Asking after the networks of clusters takes longer than a small solve.
export OMPI_MCA_pml=ob1
export OMPI_MCA_btl=self,vader,tcp
# Ranks are the only parallelism.
export OMP_NUM_THREADS=1
export OPENBLAS_NUM_THREADS=1
