/* Preloaded into the program, makes calls that put a file on the disk fail, as a full quota or a broken disk would:
 *   FAULT_FILE   part of the names of the files concerned (default .h5)
 *   FAULT_RANKS  on which ranks, separated by commas (default: on all)
 *   FAULT_CALL   from which call on, counted on each rank (default 1)
 *   FAULT_ONLY   set: this call only
 *   FAULT_ERROR  with which number of errno (default EDQUOT)
 *   FAULT_MARK   a file that is made when a call has failed, so that a test knows whether it has tested anything
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char* setting(const char* name, const char* fallback) {
  const char* value = getenv(name);
  return value != NULL && *value != '\0' ? value : fallback;
}

static int on_this_rank(void) {
  const char* rank = getenv("OMPI_COMM_WORLD_RANK");
  char list[256], wanted[32];
  if (getenv("FAULT_RANKS") == NULL) return 1;
  snprintf(list, sizeof list, ",%s,", getenv("FAULT_RANKS"));
  snprintf(wanted, sizeof wanted, ",%s,", rank == NULL ? "0" : rank);
  return strstr(list, wanted) != NULL;
}

/* Whether this call on this file is one that fails; errno is set then. */
static int fails(int file) {
  static long calls = 0;
  char link[64], name[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, name, sizeof name - 1);
  if (length < 0 || !on_this_rank()) return 0;
  name[length] = '\0';
  if (strstr(name, setting("FAULT_FILE", ".h5")) == NULL) return 0;
  const long wanted = atol(setting("FAULT_CALL", "1"));
  ++calls;
  if (calls < wanted || (getenv("FAULT_ONLY") != NULL && calls > wanted)) return 0;
  if (getenv("FAULT_MARK") != NULL) close(open(getenv("FAULT_MARK"), O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
  const char* error = getenv("FAULT_ERROR");
  errno = error == NULL ? EDQUOT : atoi(error);
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int f, const void* b, size_t n) { return fails(f) ? -1 : REAL(write)(f, b, n); }
ssize_t writev(int f, const struct iovec* v, int c) { return fails(f) ? -1 : REAL(writev)(f, v, c); }
ssize_t pwrite(int f, const void* b, size_t n, off_t o) { return fails(f) ? -1 : REAL(pwrite)(f, b, n, o); }
ssize_t pwrite64(int f, const void* b, size_t n, off64_t o) { return fails(f) ? -1 : REAL(pwrite64)(f, b, n, o); }
ssize_t pwritev(int f, const struct iovec* v, int c, off_t o) { return fails(f) ? -1 : REAL(pwritev)(f, v, c, o); }
ssize_t pwritev64(int f, const struct iovec* v, int c, off64_t o) { return fails(f) ? -1 : REAL(pwritev64)(f, v, c, o); }
int fsync(int f) { return fails(f) ? -1 : REAL(fsync)(f); }
int fdatasync(int f) { return fails(f) ? -1 : REAL(fdatasync)(f); }
int ftruncate(int f, off_t n) { return fails(f) ? -1 : REAL(ftruncate)(f, n); }
int ftruncate64(int f, off64_t n) { return fails(f) ? -1 : REAL(ftruncate64)(f, n); }
int fallocate(int f, int m, off_t o, off_t n) { return fails(f) ? -1 : REAL(fallocate)(f, m, o, n); }
int fallocate64(int f, int m, off64_t o, off64_t n) { return fails(f) ? -1 : REAL(fallocate64)(f, m, o, n); }
