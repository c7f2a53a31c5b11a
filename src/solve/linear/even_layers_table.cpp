#include "solve/linear/even_layers_table.hpp"

#include <algorithm>
#include <limits>

#include "kirchhoff/parallel/agree.hpp"

namespace kirchhoff {
namespace {

/// The numbers of a state as one item of a message.
class Item {
 public:
  explicit Item(int count) {
    MPI_Type_contiguous(count, MPI_DOUBLE, &type_);
    MPI_Type_commit(&type_);
  }
  Item(const Item&) = delete;
  Item& operator=(const Item&) = delete;
  ~Item() { MPI_Type_free(&type_); }
  MPI_Datatype get() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

}  // namespace

bool EvenLayersTable::applies(const Circuit& circuit) {
  const auto& table = circuit.coupling(0).table();
  if (!table || table->forward.first != table->backward.first || table->forward.other != table->backward.other ||
      table->forward.conductance != table->backward.conductance) {
    return false;
  }
  for (int l = 1; l < circuit.layers(); ++l) {
    if (circuit.coupling(l).table() != table) return false;
  }
  return true;
}

EvenLayersTable::EvenLayersTable(MPI_Comm comm, const Circuit& circuit) : layers_(circuit.layers()) {
  const Layout layout(comm, circuit);
  const auto mine = layout.states();
  const auto& side = circuit.coupling(0).table()->forward;
  width_ = static_cast<std::size_t>(mine.size());
  const auto begin = static_cast<std::size_t>(side.first[static_cast<std::size_t>(mine.begin)]);
  const auto end = static_cast<std::size_t>(side.first[static_cast<std::size_t>(mine.end)]);
  const auto is_mine = [&](std::int64_t y) { return y >= mine.begin && y < mine.end; };

  std::vector<std::int64_t> others;  // states of other ranks, ascending
  std::copy_if(side.other.begin() + static_cast<std::ptrdiff_t>(begin),
               side.other.begin() + static_cast<std::ptrdiff_t>(end), std::back_inserter(others),
               [&](std::int64_t y) { return !is_mine(y); });
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  const auto rows = width_ + others.size();
  agree(comm, [&] {
    if (std::max(rows, end - begin) > std::size_t{std::numeric_limits<int>::max()})
      throw Error("a rank has more than 2^31 edges of a layer pair: use more ranks");
  });
  for (auto x = mine.begin; x <= mine.end; ++x)
    first_.push_back(static_cast<int>(side.first[static_cast<std::size_t>(x)] - static_cast<std::int64_t>(begin)));
  for (auto k = begin; k < end; ++k) {
    const auto y = side.other[k];
    const auto place = std::lower_bound(others.begin(), others.end(), y) - others.begin();
    other_.push_back(static_cast<int>(is_mine(y) ? y - mine.begin : mine.size() + place));
  }
  conductance_.assign(side.conductance.begin() + static_cast<std::ptrdiff_t>(begin),
                      side.conductance.begin() + static_cast<std::ptrdiff_t>(end));

  if (all_sum(comm, static_cast<std::int64_t>(others.size())) > 0) {
    PetscLayout states = nullptr;
    check(PetscLayoutCreate(comm, &states));
    check(PetscLayoutSetLocalSize(states, static_cast<PetscInt>(width_)));
    check(PetscLayoutSetUp(states));
    const std::vector<PetscInt> wanted(others.begin(), others.end());
    check(PetscSFCreate(comm, forest_.out()));
    check(PetscSFSetGraphLayout(forest_.get(), states, static_cast<PetscInt>(wanted.size()), nullptr, PETSC_COPY_VALUES,
                                wanted.data()));
    check(PetscLayoutDestroy(&states));
  }
  const auto most = static_cast<std::size_t>(std::max(layers_of(Parity::even), layers_of(Parity::odd)));
  in_.resize(rows * most);
  sums_.resize(width_ * most);
  degree_.assign(rows, 0.0);
  for (std::size_t i = 0; i < width_; ++i) {
    for (auto k = first_[i]; k < first_[i + 1]; ++k) degree_[i] += conductance_[static_cast<std::size_t>(k)];
  }
  fetch(degree_, 1);
}

void EvenLayersTable::fetch(std::span<double> field, int count) {
  if (!forest_) return;
  const Item item(count);
  double* leaves = field.data() + width_ * static_cast<std::size_t>(count);
  check(PetscSFBcastBegin(forest_.get(), item.get(), field.data(), leaves, MPI_REPLACE));
  check(PetscSFBcastEnd(forest_.get(), item.get(), field.data(), leaves, MPI_REPLACE));
}

template <class Value>
void EvenLayersTable::add_neighbours(Parity to, Value&& value) {
  const int count = layers_of(to);
  for (std::size_t i = 0; i < width_; ++i) {
    double* row = in_.data() + i * static_cast<std::size_t>(count);
    for (int j = 0; j < count; ++j) {
      const int l = to == Parity::even ? 2 * j : 2 * j + 1;
      const int above = to == Parity::even ? j : j + 1;  // numbers among the layers of the other parity
      row[j] = (l > 0 ? value(above - 1, i) : 0.0) + (l < layers_ ? value(above, i) : 0.0);
    }
  }
}

void EvenLayersTable::multiply_table(Parity layers) {
  const int count = layers_of(layers);
  const auto step = static_cast<std::size_t>(count);
  fetch(in_, count);
  for (std::size_t i = 0; i < width_; ++i) {
    double* out = sums_.data() + i * step;
    std::fill_n(out, count, 0.0);
    for (auto k = static_cast<std::size_t>(first_[i]); k < static_cast<std::size_t>(first_[i + 1]); ++k) {
      const double g = conductance_[k];
      const double* in = in_.data() + static_cast<std::size_t>(other_[k]) * step;
      for (int j = 0; j < count; ++j) out[j] += g * in[j];
    }
  }
}

void EvenLayersTable::multiply(std::span<const double> x, std::span<double> y) {
  const auto even = [&](int j, std::size_t i) { return x[static_cast<std::size_t>(j) * width_ + i]; };
  add_neighbours(Parity::odd, even);
  multiply_table(Parity::odd);
  const auto odd_count = static_cast<std::size_t>(layers_of(Parity::odd));
  for (std::size_t i = 0; i < width_; ++i) {
    double* row = sums_.data() + i * odd_count;
    for (std::size_t j = 0; j < odd_count; ++j) row[j] /= 2 * degree_[i];
    if (layers_ % 2 == 1) row[odd_count - 1] *= 2;  // the last layer has one side
  }
  add_neighbours(Parity::even,
                 [&](int j, std::size_t i) { return sums_[i * odd_count + static_cast<std::size_t>(j)]; });
  multiply_table(Parity::even);
  const int count = layers_of(Parity::even);
  for (int j = 0; j < count; ++j) {
    for (std::size_t i = 0; i < width_; ++i) {
      y[static_cast<std::size_t>(j) * width_ + i] =
          degree(2 * j, i) * even(j, i) - sums_[i * static_cast<std::size_t>(count) + static_cast<std::size_t>(j)];
    }
  }
}

void EvenLayersTable::diagonal(std::span<double> out) {
  const auto odd_sides = [&](int l) { return l < 0 || l > layers_ ? 0.0 : 1 / sides(l); };
  for (std::size_t i = 0; i < width_; ++i) {
    double back = 0;  // what comes back through one neighbouring layer of one side
    for (auto k = static_cast<std::size_t>(first_[i]); k < static_cast<std::size_t>(first_[i + 1]); ++k)
      back += conductance_[k] * conductance_[k] / degree_[static_cast<std::size_t>(other_[k])];
    for (int j = 0; j < layers_of(Parity::even); ++j) {
      out[static_cast<std::size_t>(j) * width_ + i] =
          degree(2 * j, i) - back * (odd_sides(2 * j - 1) + odd_sides(2 * j + 1));
    }
  }
}

void EvenLayersTable::eliminate(std::span<const double> b, std::span<double> even) {
  add_neighbours(Parity::even, [&](int j, std::size_t i) {
    return b[static_cast<std::size_t>(2 * j + 1) * width_ + i] / degree(2 * j + 1, i);
  });
  multiply_table(Parity::even);
  const auto count = static_cast<std::size_t>(layers_of(Parity::even));
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t i = 0; i < width_; ++i) even[j * width_ + i] = b[2 * j * width_ + i] + sums_[i * count + j];
  }
}

void EvenLayersTable::recover(std::span<const double> even, std::span<const double> b, std::span<double> x) {
  add_neighbours(Parity::odd, [&](int j, std::size_t i) { return even[static_cast<std::size_t>(j) * width_ + i]; });
  multiply_table(Parity::odd);
  const auto count = static_cast<std::size_t>(layers_of(Parity::odd));
  for (int l = 0; l <= layers_; ++l) {
    const auto at = static_cast<std::size_t>(l) * width_;
    const auto j = static_cast<std::size_t>(l / 2);
    for (std::size_t i = 0; i < width_; ++i) {
      x[at + i] = l % 2 == 0 ? even[j * width_ + i] : (b[at + i] + sums_[i * count + j]) / degree(l, i);
    }
  }
}

}  // namespace kirchhoff
