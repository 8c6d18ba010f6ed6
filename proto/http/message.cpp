#include <algorithm>

#include "proto/base/letters.h"
#include "proto/http/server.h"

namespace lodge::http {

const std::string* Request::header(std::string_view name) const {
    auto found = std::find_if(headers.begin(), headers.end(),
                              [name](const auto& entry) { return equal_but_for_case(entry.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

}  // namespace lodge::http
