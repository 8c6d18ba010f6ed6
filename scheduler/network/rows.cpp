#include "scheduler/network/rows.h"

#include <algorithm>

namespace lodge::network {

Json canonical(const Json& value) {
    if (!value.is_array() || value.size() != 2 || !value[0].is_string()) return value;
    const auto& kind = value[0].get_ref<const std::string&>();
    if ((kind != "set" && kind != "map") || !value[1].is_array()) return value;
    std::vector<Json> items(value[1].begin(), value[1].end());
    std::sort(items.begin(), items.end());
    if (kind == "set" && items.size() == 1) return items.front();
    return Json::array({kind, Json(items)});
}

}  // namespace lodge::network
