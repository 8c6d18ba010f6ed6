#include "scheduler/network/instance_network.h"

#include "db/store/addresses.h"
#include "db/store/network_interfaces.h"
#include "db/store/vpcs.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/attachments.h"
#include "scheduler/network/make.h"

namespace lodge::network {
namespace {

bool primary_is_mapped(db::Session& session, const NetworkInterface& interface) {
    auto own = db::network_interfaces::addresses_of(session, interface.id);
    if (own.empty()) return false;
    for (const auto& elastic : db::addresses::of_interface(session, interface.id))
        if (elastic.private_ip == own.front().address) return true;
    return false;
}

}  // namespace

bool take_launch_address(db::Session& session, const std::vector<Cidr>& pool, NetworkInterface& interface,
                         Random& random) {
    if (!interface.auto_public_ip || !interface.public_ip.empty() || primary_is_mapped(session, interface))
        return true;
    auto taken = take_public_address(session, pool, interface.id.str(), random);
    if (!taken) return false;
    interface.public_ip = taken->str();
    db::network_interfaces::update(session, interface);
    return true;
}

bool free_launch_address(db::Session& session, NetworkInterface& interface) {
    if (interface.public_ip.empty()) return false;
    db::addresses::give_back(session, interface.public_ip);
    interface.public_ip.clear();
    db::network_interfaces::update(session, interface);
    return true;
}

void settle_ended_guest(db::Session& session, const Instance& instance, const Guest& guest) {
    if (holds_claim(guest.observed)) return;
    bool ends = instance.desired == Desired::terminated;
    settle_attachments_of_ended_guest(session, instance.id);
    for (auto& interface : db::network_interfaces::of_instance(session, instance.id)) {
        bool changed = free_launch_address(session, interface);
        if (ends && interface.delete_on_termination) {
            erase_interface(session, interface);
            changed = true;
        } else if (ends) {
            interface.auto_public_ip = false;
            begin_detach(session, interface, false);
        }
        if (changed) db::vpcs::touch(session, interface.vpc_id);
    }
}

}  // namespace lodge::network
