// Part of what is built with the address sanitizer. Open MPI unloads its plug-ins before the leak check, which can then
// name nobody, and tests/lsan.supp matches nothing: keep them.
extern "C" int dlclose(void* /*handle*/) { return 0; }
