// The instance types on offer: Lodge's own list (instance_types.toml), with the operator's files over it.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "api/catalogue/instance_type.h"
#include "proto/base/result.h"

namespace lodge::catalogue {

// Does not change after load(); any thread.
class Catalogue {
  public:
    // Reads `builtin`, then `extra` in order: a later file's settings win over an earlier one's, key by key.
    // Errors: io_failure for a file that cannot be read; invalid_input for one that is wrong, with file, line
    // and key.
    static Result<Catalogue> load(const std::filesystem::path& builtin,
                                  const std::vector<std::filesystem::path>& extra = {});

    // The type of that name ("t3.micro"), or null. Lives as long as the catalogue.
    const InstanceType* find(std::string_view name) const;

    // Every type, sorted by name.
    const std::vector<InstanceType>& all() const { return types_; }

  private:
    std::vector<InstanceType> types_;
};

}  // namespace lodge::catalogue
