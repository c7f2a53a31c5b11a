/* Preloaded into the program with FAULT_KEEP set, keeps PETSc's vectors from being destroyed, as a forgotten call would.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

int VecDestroy(void** vec) {
  if (getenv("FAULT_KEEP") == NULL) return ((int (*)(void**))dlsym(RTLD_NEXT, "VecDestroy"))(vec);
  *vec = NULL;
  return 0;
}
