// Finds the ends of JSON objects in a stream: OVSDB's JSON-RPC (RFC 7047, section 4) puts one behind the
// other, with nothing between.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace lodge::ovsdb {

// One thread.
class Splitter {
  public:
    // No message is longer, in bytes, nor nested deeper.
    explicit Splitter(std::size_t most_bytes = std::size_t{256} << 20, int most_depth = 64)
        : most_bytes_(most_bytes), most_depth_(most_depth) {}

    // The texts that are complete with these bytes. io_failure for what cannot be a stream of objects: give
    // the connection up then.
    Result<std::vector<std::string>> feed(std::string_view bytes);

  private:
    std::size_t most_bytes_;
    int most_depth_;
    std::string text_;
    int depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
};

}  // namespace lodge::ovsdb
