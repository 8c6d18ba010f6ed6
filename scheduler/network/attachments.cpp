#include "scheduler/network/attachments.h"

#include "db/store/network_interfaces.h"
#include "db/store/vpcs.h"

namespace lodge::network {
namespace {

void free_interface(db::Session& session, NetworkInterface& interface) {
    interface.attachment_id = interface.instance_id = "";
    interface.attachment_state = AttachmentState::none;
    interface.device_index = 0;
    interface.delete_on_termination = false;
    interface.attached_ms = 0;
    db::network_interfaces::update(session, interface);
    db::vpcs::touch(session, interface.vpc_id);
}

void set_state(db::Session& session, NetworkInterface& interface, AttachmentState state) {
    interface.attachment_state = state;
    db::network_interfaces::update(session, interface);
}

}  // namespace

void begin_attach(db::Session& session, NetworkInterface& interface, const Instance& instance,
                  std::int64_t device_index, bool delete_on_termination, bool live, UnixMs now_ms,
                  Random& random) {
    interface.attachment_id = AttachmentId::make(random).str();
    interface.instance_id = instance.id.str();
    interface.device_index = device_index;
    interface.delete_on_termination = delete_on_termination;
    interface.attached_ms = now_ms;
    set_state(session, interface, live ? AttachmentState::attaching : AttachmentState::attached);
}

void begin_detach(db::Session& session, NetworkInterface& interface, bool live) {
    if (live)
        set_state(session, interface, AttachmentState::detaching);
    else
        free_interface(session, interface);
}

bool note_plugged(db::Session& session, const InstanceId& instance_id,
                  const std::set<NetworkInterfaceId>& plugged) {
    bool changed = false;
    for (auto& interface : db::network_interfaces::of_instance(session, instance_id)) {
        bool is_plugged = plugged.contains(interface.id);
        if (interface.attachment_state == AttachmentState::attaching && is_plugged)
            set_state(session, interface, AttachmentState::attached);
        else if (interface.attachment_state == AttachmentState::detaching && !is_plugged)
            free_interface(session, interface);
        else
            continue;
        changed = true;
    }
    return changed;
}

bool settle_attachments_of_ended_guest(db::Session& session, const InstanceId& instance_id) {
    bool changed = false;
    for (auto& interface : db::network_interfaces::of_instance(session, instance_id)) {
        if (interface.attachment_state == AttachmentState::attaching)
            set_state(session, interface, AttachmentState::attached);
        else if (interface.attachment_state == AttachmentState::detaching)
            free_interface(session, interface);
        else
            continue;
        changed = true;
    }
    return changed;
}

}  // namespace lodge::network
