#include "api/actions/network.h"

#include "db/store/subnets.h"
#include "db/store/vpcs.h"

namespace lodge::api {

network::Owner owner_of(const RequestContext& context) {
    return {context.account_id, context.region, context.now_ms(), context.services.random};
}

void network_changed(db::Session& session, const RequestContext&, const VpcId& vpc_id) {
    db::vpcs::touch(session, vpc_id);
}

Result<Vpc> find_vpc(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<VpcId>(session, context, id, db::vpcs::find, ErrorCode::invalid_vpc_id_malformed,
                               ErrorCode::invalid_vpc_id_not_found);
}

Result<Subnet> find_subnet(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<SubnetId>(session, context, id, db::subnets::find,
                                  ErrorCode::invalid_subnet_id_malformed,
                                  ErrorCode::invalid_subnet_id_not_found);
}

Result<Zone> find_zone(const RequestContext& context, const std::optional<std::string>& name,
                       const std::optional<std::string>& id) {
    auto zones = context.services.settings.zones_of(context.region);
    for (const auto& zone : zones)
        if ((!name || zone.name == *name) && (!id || zone.id == *id)) return zone;
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + name.value_or(id.value_or("")) + ") for parameter availabilityZone is invalid.");
}

Status check_region(const RequestContext& context, const std::string& region, std::string_view parameter) {
    if (!context.services.settings.zones_of(region).empty()) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + region + ") for parameter " + std::string(parameter) + " is invalid.");
}

std::string zone_id(const RequestContext& context, const std::string& name) {
    for (const auto& zone : context.services.settings.zones)
        if (zone.name == name) return zone.id;
    return "";
}

Result<Cidr> parse_cidr(const std::string& text, std::string_view parameter) {
    if (auto cidr = Cidr::parse(text)) return *cidr;
    return fail(ErrorCode::invalid_parameter_value, "Value (" + text + ") for parameter " +
                                                        std::string(parameter) +
                                                        " is invalid. This is not a valid CIDR block.");
}

}  // namespace lodge::api
