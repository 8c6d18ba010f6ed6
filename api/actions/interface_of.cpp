#include "api/actions/interface_of.h"

#include "db/store/instances.h"
#include "db/store/network_interfaces.h"

namespace lodge::api {

Result<NetworkInterface> find_interface(db::Session& session, const RequestContext& context,
                                        const std::string& id) {
    return find_or_fail<NetworkInterfaceId>(session, context, id, db::network_interfaces::find,
                                            ErrorCode::invalid_network_interface_id_malformed,
                                            ErrorCode::invalid_network_interface_id_not_found);
}

Result<NetworkInterface> only_interface_of(db::Session& session, const RequestContext& context,
                                           const std::string& instance_id) {
    LODGE_TRY(auto found, find_or_fail<InstanceId>(session, context, instance_id, db::instances::find,
                                                   ErrorCode::invalid_instance_id_malformed,
                                                   ErrorCode::invalid_instance_id_not_found));
    auto interfaces = db::network_interfaces::of_instance(session, found.instance.id);
    if (interfaces.empty())
        return fail(ErrorCode::invalid_instance_id,
                    "There is no interface attached to instance '" + instance_id + "'.");
    if (interfaces.size() > 1)
        return fail(ErrorCode::invalid_instance_id,
                    "There are multiple interfaces attached to instance '" + instance_id +
                        "'. Please specify an interface ID for the operation instead.");
    return std::move(interfaces.front());
}

}  // namespace lodge::api
