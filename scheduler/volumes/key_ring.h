// What wraps the keys of encrypted disks: the operator's master key, from a file of the operator's. Without
// it the database and all disks are noise to who has them. Thread-safe: nothing changes after it was read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "proto/base/random.h"
#include "proto/base/result.h"

namespace lodge::volumes {

class KeyRing {
  public:
    // Without a master key: nothing is wrapped, and nothing is opened.
    KeyRing() = default;
    // `master` has seal_key_bytes.
    explicit KeyRing(std::string master) : master_(std::move(master)) {}

    // The file holds the key as 64 hexadecimal digits, and nobody but its owner and group may read it. With
    // `may_make` a file that is missing is made, and filled with a new key. invalid_input for a file of
    // another form, not_found for none, io_failure.
    static Result<KeyRing> read(const std::filesystem::path& file, bool may_make, Random& random);

    bool is_empty() const { return master_.empty(); }
    // `id` is the key's that has the passphrase. service_unavailable without a master key.
    Result<std::string> wrap(const std::string& id, const std::string& passphrase, Random& random) const;
    // Nothing when it was not wrapped for that key by this master key.
    std::optional<std::string> unwrap(const std::string& id, const std::string& wrapped) const;

  private:
    std::string master_;
};

}  // namespace lodge::volumes
