#include "api/cli/request.h"

#include <nlohmann/json.hpp>

#include "proto/base/encoding.h"
#include "proto/base/ids.h"

namespace lodge::cli {

void put(nlohmann::json& body, const char* member, const Arguments& arguments, std::string_view option) {
    if (arguments.has(option)) body[member] = arguments.text(option);
}

std::string path_to(std::string_view collection, const std::string& id) {
    return std::string(collection) + percent_encode(id);
}

Rule account_id_rule() {
    return {account_id_well_formed, "12 decimal digits"};
}

Rule image_id_rule() {
    return {[](std::string_view text) { return id_well_formed("ami-", text); },
            "'ami-' and 17 (or 8) lower-case hexadecimal digits"};
}

Rule limit_rule() {
    return {[](std::string_view text) {
                return text == "none" || (!text.empty() && text.size() <= 9 &&
                                          text.find_first_not_of("0123456789") == std::string_view::npos);
            },
            "'none' or a number of up to 9 digits"};
}

}  // namespace lodge::cli
