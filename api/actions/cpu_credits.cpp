#include "api/actions/cpu_credits.h"

namespace lodge::api {

std::string default_credits(const catalogue::InstanceType& type) {
    if (!type.burstable) return "";
    return type.family == "t2" ? "standard" : "unlimited";
}

std::string credits_of(const catalogue::Catalogue& catalogue, const Instance& instance) {
    if (!instance.cpu_credits.empty()) return instance.cpu_credits;
    const auto* type = catalogue.find(instance.instance_type);
    return type ? default_credits(*type) : "";
}

}  // namespace lodge::api
