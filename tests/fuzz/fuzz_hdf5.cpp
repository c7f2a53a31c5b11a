// Our own HDF5 files, changed in two ways, and read by all that reads them. An input is a list of changes to a file
// that was whole:
//   bytes    as a disk or an editor of bytes would change them: such a file is refused before HDF5 sees it, whatever
//            its bytes are now (HDF5 1.10 itself crashes on many);
//   objects  as another program would, through HDF5, the checksums being made to match again: what the readers
//            themselves believe.
// What HDF5 would be asked in a process of its own (store/guard.hpp), it is asked here, so that a crash is a finding,
// or in the first way not at all.
#include <fcntl.h>
#include <hdf5.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "io/files/posix.hpp"
#include "io/hdf5/guard.hpp"
#include "io/hdf5/hdf5.hpp"
#include "io/hdf5/seal.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/io/table/table.hpp"

using namespace kirchhoff;

namespace {

bool ask_hdf5 = false;

constexpr int kCategories = 3;
constexpr std::int64_t kParameters = 5;

/// Bytes of the input, one after the other; 0 when there are no more.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool more() const { return at_ < size_; }
  std::uint8_t next() { return at_ < size_ ? data_[at_++] : 0; }
  std::size_t below(std::size_t n) { return next() % n; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

struct Fixture {
  std::filesystem::path folder;
  std::string path;
  StateSpace space{kCategories, 1};
  std::optional<Circuit> circuit;
  std::vector<std::string> files;  // whole, as bytes
};
Fixture* fixture = nullptr;

[[noreturn]] void end(const char* what) {
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

Netlist small_network() {
  Netlist n;
  n.title = "small";
  n.nodes = {"0", "a", "b"};
  n.ground = 0;
  n.resistors = {{0, 1}, {1, 2}, {1.0, 2.0}, {}, {"R1", "R2"}};
  n.voltages = {{1}, {0}, {1.0}, {}, {"V1"}};
  n.currents = {{-1}, {2}, {1.0}, {}, {"I1"}};
  return n;
}

void write_files(Fixture& f) {
  const Provenance made{"0123456789abcdef", "seed: 1\n", 1, "0.1", "blas", "petsc"};
  std::vector<Coupling> couplings(2, Coupling::hamming(f.space, 1, 2));
  const Mass mass(kCategories, 1.0 / kCategories);
  f.circuit.emplace(f.space, std::move(couplings), mass, mass);
  const auto keep = [&] { f.files.push_back(read_bytes(f.path)); };
  Solution solution{SharedArray(MPI_COMM_SELF, f.circuit->vertices()), {}};
  write_solution(MPI_COMM_SELF, f.path, *f.circuit, solution, made);
  keep();
  write_network(MPI_COMM_SELF, f.path, small_network(), {}, nullptr, made);
  keep();
  Checkpoint c;
  c.training_hash = "abc";
  c.supervision = "exact";
  c.mean = c.scale = {1, 2, 3};
  c.state.step = 2;
  c.state.parameters = c.state.average = c.state.first_moment = c.state.second_moment =
      std::vector<double>(kParameters, 0.5);
  c.state.history = {{1, 0.5, 0.25, 0.125, 1e-3}};
  write_checkpoint(MPI_COMM_SELF, f.folder.string(), kParameters, c, made);
  std::filesystem::remove(f.folder / "checkpoint.previous.h5");
  keep();
  const StoredWalks walks{"exact", "o", 1, 4, {0, {0, 1, 2, 0}, {2, 1, 0, 1}, {1, 2, 1, 2}, {0, 0, 0, 1}, {}}};
  write_samples(MPI_COMM_SELF, f.path, *f.circuit, {walks}, made);
  keep();
  StoredMoveWalks moves{"o", 1, 4, {0, {0, 1, 2, 0}, {2, 1, 0, 1}, {1, 2, 1, 2}, {1, 1, 1, 1}, {0, 0, 0, 0}, {}}};
  write_move_samples(MPI_COMM_SELF, f.path, f.space, moves, made);
  keep();
}

// --- changes through HDF5

constexpr std::array kObjects = {"/potential",
                                 "/source",
                                 "/target",
                                 "/node/name",
                                 "/edge/name",
                                 "/edge/tail",
                                 "/edge/head",
                                 "/edge/conductance",
                                 "/source/name",
                                 "/source/positive",
                                 "/source/voltage",
                                 "/injection/to",
                                 "/model/parameters",
                                 "/model/average",
                                 "/model/mean",
                                 "/history",
                                 "/optimizer/second_moment",
                                 "/random",
                                 "/exact",
                                 "/exact/samples",
                                 "/exact/start",
                                 "/exact/steps",
                                 "/exact/stuck",
                                 "/neural/samples",
                                 "/neural/calls",
                                 "/model",
                                 "/edge",
                                 "/new"};
constexpr std::array kAttributes = {
    "kind",   "schema_version", "problem_hash", "options",           "ranks",    "package_version", "blas",
    "petsc",  "method",         "unknowns",     "relative_residual", "ground",   "title",           "step",
    "seed",   "training_hash",  "supervision",  "checksum",          "loss_sum", "count",           "seconds",
    "origin", "unit",           "new"};
constexpr std::array<hsize_t, 12> kExtents = {
    0, 1, 2, 3, 4, 5, 9, 25, 1000, hsize_t{1} << 20, hsize_t{1} << 33, hsize_t{1} << 50};

hid_t type_of(std::size_t choice) {
  switch (choice) {
    case 0:
      return H5Tcopy(H5T_NATIVE_DOUBLE);
    case 1:
      return H5Tcopy(H5T_NATIVE_INT64);
    case 2:
      return H5Tcopy(H5T_NATIVE_UINT16);
    case 3:
      return H5Tcopy(H5T_NATIVE_INT32);
    case 4:
      return H5Tcopy(H5T_NATIVE_UINT8);
    case 5:
      return H5Tcopy(H5T_NATIVE_FLOAT);
    case 6:
      return H5Tcopy(H5T_STD_U64BE);
    case 7: {
      const hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, 3);
      return text;
    }
    case 8: {
      const hsize_t two = 2;
      return H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &two);
    }
    default: {
      const hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, H5T_VARIABLE);
      return text;
    }
  }
}

hid_t space_of(Bytes& in, std::vector<hsize_t>& shape) {
  shape.resize(in.below(4));
  for (auto& extent : shape) extent = kExtents[in.below(kExtents.size())];
  return shape.empty() ? H5Screate(H5S_SCALAR)
                       : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
}

void replace_dataset(hid_t file, const char* name, Bytes& in) {
  H5Ldelete(file, name, H5P_DEFAULT);
  const auto choice = in.below(10);
  const Identifier type(type_of(choice), H5Tclose);
  std::vector<hsize_t> shape;
  const Identifier space(space_of(in, shape), H5Sclose);
  const Identifier creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  const auto layout = in.below(4);
  if (layout > 0 && !shape.empty()) {
    std::vector<hsize_t> chunk;
    for (const auto extent : shape) chunk.push_back(std::clamp<hsize_t>(extent, 1, 64));
    H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
    if (layout > 1) H5Pset_deflate(creation.get(), 1);
  }
  const Identifier links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Identifier made(H5Dcreate2(file, name, type.get(), space.get(), links.get(), creation.get(), H5P_DEFAULT),
                        H5Dclose);
  double count = 1;
  for (const auto extent : shape) count *= static_cast<double>(extent);
  if (!made.valid() || choice > 8 || count > 4096) return;
  std::vector<std::uint8_t> values(static_cast<std::size_t>(count) * H5Tget_size(type.get()) + 1);
  for (std::size_t k = 0; k < 64 && k < values.size(); ++k) values[k] = in.next();
  H5Dwrite(made.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
}

void replace_attribute(hid_t file, const char* object, const char* name, Bytes& in) {
  const Identifier owner(H5Oopen(file, object, H5P_DEFAULT), H5Oclose);
  if (!owner.valid()) return;
  H5Adelete(owner.get(), name);
  const auto choice = in.below(11);
  if (choice == 10) return;
  const Identifier type(type_of(choice), H5Tclose);
  const auto extent = kExtents[in.below(6)];
  const Identifier space(extent == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, nullptr), H5Sclose);
  const Identifier made(H5Acreate2(owner.get(), name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!made.valid()) return;
  std::array<std::uint8_t, 128> values{};
  for (std::size_t k = 0; k < 8; ++k) values[k] = in.next();
  const std::string word(values.begin(), values.begin() + 8);
  std::array<const char*, 16> words{};
  words.fill(word.c_str());
  H5Awrite(made.get(), type.get(), choice > 8 ? static_cast<const void*>(words.data()) : values.data());
}

void change_number(hid_t file, const char* name, Bytes& in) {
  const Identifier dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose);
  if (!dataset.valid()) return;
  const Identifier space(H5Dget_space(dataset.get()), H5Sclose);
  const auto points = H5Sget_simple_extent_npoints(space.get());
  const Identifier type(H5Dget_type(dataset.get()), H5Tclose);
  if (points < 1 || points > 4096 || H5Tget_class(type.get()) > H5T_FLOAT) return;
  std::vector<double> values(static_cast<std::size_t>(points));
  H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  constexpr std::array kNumbers = {-1.0,
                                   0.0,
                                   1.0,
                                   3.0,
                                   0.5,
                                   1e300,
                                   -1e18,
                                   std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN()};
  values[in.next() % values.size()] = kNumbers[in.below(kNumbers.size())];
  H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
}

void change_objects(const std::string& path, Bytes& in) {
  const QuietHdf5 quiet;
  const Identifier file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  if (!file.valid()) end("a whole file can be opened");
  for (int k = 0; k < 6 && in.more(); ++k) {
    const auto what = in.below(8);
    const auto* object = kObjects[in.below(kObjects.size())];
    switch (what) {
      case 0:
        H5Ldelete(file.get(), object, H5P_DEFAULT);
        break;
      case 1:
        replace_dataset(file.get(), object, in);
        break;
      case 2:
        replace_attribute(file.get(), "/", kAttributes[in.below(kAttributes.size())], in);
        break;
      case 3:
        replace_attribute(file.get(), object, kAttributes[in.below(kAttributes.size())], in);
        break;
      case 4:
        change_number(file.get(), object, in);
        break;
      case 5:
        H5Ldelete(file.get(), object, H5P_DEFAULT);
        H5Lcreate_soft(kObjects[in.below(kObjects.size())], file.get(), object, H5P_DEFAULT, H5P_DEFAULT);
        break;
      case 6:
        H5Ldelete(file.get(), object, H5P_DEFAULT);
        H5Lcreate_external("/dev/null", "/x", file.get(), object, H5P_DEFAULT, H5P_DEFAULT);
        break;
      default: {
        H5Ldelete(file.get(), object, H5P_DEFAULT);
        const Identifier group(H5Gcreate2(file.get(), object, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      }
    }
  }
}

/// Checksums that match again.
void seal_again(const std::string& path) {
  const auto bytes = read_bytes(path);
  auto seal = read_seal(bytes).value();
  seal.length = bytes.size();
  seal.segments = {{Segment::kStructure, seal.block, seal.length - seal.block, {}}};
  seal.segments[0].hash = hash_segments(MPI_COMM_SELF, path, seal.segments)[0];
  open_to_write(path, path).write_at(0, seal.text());
}

/// A reader may refuse the file by an Error of one line that names it; whatever else it throws ends the program.
void may_refuse(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.empty() || what.find('\n') != std::string::npos) end(("an error is one line: " + what).c_str());
    if (what.find(fixture->path) == std::string::npos) end("an error names the file");
  }
}

void read_by(std::size_t reader, const std::string& path) {
  const std::array<std::function<void()>, 11> readers = {
      [&] { read_solution(MPI_COMM_SELF, path, *fixture->circuit); },
      [&] { read_network(path); },
      [&] { read_checkpoint(MPI_COMM_SELF, fixture->folder.string(), kParameters); },
      [&] { summarise_checkpoint(path); },
      [&] { read_samples(MPI_COMM_SELF, path, *fixture->circuit); },
      [&] { read_move_samples(MPI_COMM_SELF, path, fixture->space); },
      [&] { read_provenance(path); },
      [&] { describe_file(path); },
      [&] { read_table(path, "potential"); },
      [&] { read_table(path, "edge/tail"); },
      [&] { read_table(path); },
  };
  constexpr std::size_t kOfTables = 8;  // whose files need no seal: HDF5 would be asked
  if (reader >= kOfTables && !ask_hdf5) return;
  may_refuse(readers[reader % readers.size()]);
}

}  // namespace

// In the place of the library's, which has a process of its own for it.
std::string kirchhoff::guarded(const std::string& path, const std::function<std::string()>& work) {
  if (!ask_hdf5) throw Error(path + ": not asked");
  return work();
}

// MPI's plugins leave memory behind, from modules that are gone when it is counted.
extern "C" int __lsan_is_turned_off() { return 1; }

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  MPI_Init(nullptr, nullptr);
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGSEGV}) std::signal(signal, SIG_DFL);  // not Open MPI's
  // HDF5 keeps its own records of an open file (a megabyte a file) and gives all else back, where the sanitizer sees
  // it.
  constexpr int kKept = -1;
  H5set_free_list_limits(kKept, kKept, 0, 0, 0, 0);
  fixture = new Fixture;
  const std::filesystem::path memory("/dev/shm");
  const auto base = std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
  fixture->folder = base / ("kirchhoff_fuzz_" + std::to_string(getpid()));
  std::filesystem::create_directories(fixture->folder);
  fixture->path = (fixture->folder / "checkpoint.h5").string();
  std::atexit([] {
    std::error_code ignored;
    std::filesystem::remove_all(fixture->folder, ignored);
    MPI_Finalize();
  });
  write_files(*fixture);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes in(data, size);
  const auto base = in.below(fixture->files.size());
  const auto& whole = fixture->files[base];
  auto bytes = whole;
  ask_hdf5 = in.below(4) != 0;
  const auto& path = fixture->path;
  // Most often the reader that the file is for.
  constexpr std::array<std::size_t, 5> kReaderOf = {0, 1, 2, 4, 5};
  const auto choice = in.below(32);
  const auto reader = choice < 11 ? choice : kReaderOf[base];
  if (ask_hdf5) {
    write_bytes(path, bytes);
    change_objects(path, in);
    seal_again(path);
  } else {
    const auto length = (in.next() << 8) + in.next();  // 0: all of it
    while (in.more()) {
      const auto at = static_cast<std::size_t>((in.next() << 8) + in.next());
      bytes[at % bytes.size()] = static_cast<char>(in.next());
    }
    if (length != 0) bytes.resize(std::min(bytes.size() + 16, static_cast<std::size_t>(length)));
    write_bytes(path, bytes);
    if (bytes != whole && file_status(path, Check::all).state == FileState::whole) end("a changed file is not whole");
  }
  read_by(reader, path);
  return 0;
}
