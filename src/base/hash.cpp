#include "kirchhoff/base/hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <new>

namespace kirchhoff {
namespace {

XXH3_state_t* xxh3(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

void Hash::Free::operator()(void* state) const { XXH3_freeState(xxh3(state)); }

Hash::Hash() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(xxh3(state_.get()));
}

Hash& Hash::add(std::string_view bytes) {
  XXH3_128bits_update(xxh3(state_.get()), bytes.data(), bytes.size());
  return *this;
}

Hash::Digest Hash::digest() const {
  const auto value = XXH3_128bits_digest(xxh3(state_.get()));
  return {value.high64, value.low64};
}

std::string Hash::text() const { return text(digest()); }

std::string Hash::text(const Digest& digest) { return fmt::format("{:016x}{:016x}", digest.high, digest.low); }

}  // namespace kirchhoff
