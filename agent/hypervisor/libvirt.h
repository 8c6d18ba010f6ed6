// Guests through libvirt. See hypervisor.h for what the calls promise.
#pragma once

#include <memory>
#include <string>

#include "agent/hypervisor/accelerator.h"
#include "agent/hypervisor/hypervisor.h"
#include "agent/hypervisor/libvirt_connection.h"
#include "agent/hypervisor/libvirt_handles.h"
#include "agent/hypervisor/libvirt_secrets.h"

namespace lodge::agent {

struct LibvirtOptions {
    std::string uri = "qemu:///system";  // "test:///default" is libvirt's test driver
    Accelerator accelerator = Accelerator::automatic;
    HostId owner;  // domains tagged with another host's ID are neither seen nor touched
};

// Works without a libvirtd: calls then fail with service_unavailable, and succeed once it is back.
class LibvirtHypervisor final : public Hypervisor {
  public:
    explicit LibvirtHypervisor(LibvirtOptions options);
    ~LibvirtHypervisor() override;
    LibvirtHypervisor(const LibvirtHypervisor&) = delete;
    LibvirtHypervisor& operator=(const LibvirtHypervisor&) = delete;

    Result<Capacity> capacity() override;
    Result<std::vector<Domain>> list() override;
    Status start(const GuestSpec& spec, const Gate& gate) override;
    Status attach_interface(const GuestId& guest_id, const Nic& nic) override;
    Status request_detach(const GuestId& guest_id, const NetworkInterfaceId& id) override;
    Status attach_disk(const GuestId& guest_id, const DiskSpec& disk) override;
    Status request_detach(const GuestId& guest_id, const VolumeId& id, bool politely) override;
    Status adjust_disk(const GuestId& guest_id, const DiskSpec& disk) override;
    Status cut_disks(const GuestId& guest_id, const std::vector<DiskSpec>& disks) override;
    Status flatten_disk(const GuestId& guest_id, const DiskSpec& disk) override;
    Status request_shutdown(const GuestId& guest_id) override;
    Status destroy(const GuestId& guest_id) override;
    Status undefine(const GuestId& guest_id) override;
    Status request_reboot(const GuestId& guest_id) override;
    Status reset(const GuestId& guest_id) override;
    Status interrupt(const GuestId& guest_id) override;
    std::int64_t reboots_seen(const GuestId& guest_id) override;
    void on_change(std::function<void()> callback) override;

  private:
    // Null when no such domain is defined; `conflict` when it is another owner's.
    Result<DomainHandle> find(virConnectPtr connection, const GuestId& guest_id) const;
    // Runs `act` on the guest's domain if that is running; `off` is the result if it is not.
    Status if_running(const GuestId& guest_id, const std::string& doing,
                      const std::function<int(virDomainPtr)>& act, const Status& off);
    // A device, an interface or a disk, of a running guest.
    template <class Id>
    Status plug_in(const GuestId& guest_id, const Id& id, const std::string& xml);
    template <class Id>
    Status ask_to_let_go(const GuestId& guest_id, const Id& id, const std::string& alias);
    // Whether it is held now; otherwise it runs.
    Result<bool> hold(const GuestSpec& spec);
    Result<bool> create_held(virConnectPtr connection, const GuestSpec& spec) const;
    Status define_and_create(virConnectPtr connection, const GuestSpec& spec) const;
    int create_paused(virDomainPtr domain) const;
    Status let_run(const GuestId& guest_id);
    // The keys of those that are encrypted.
    Result<std::unique_ptr<LibvirtSecrets::Lent>> lend_keys(const std::vector<DiskSpec>& disks);
    // What list() tells of it; nothing for a domain that is not ours, or gone by now.
    Result<std::optional<Domain>> observe(virDomainPtr domain) const;

    const LibvirtOptions options_;
    const std::string domain_type_;
    const std::shared_ptr<LibvirtWatch> watch_;
    LibvirtConnection connection_;
    LibvirtSecrets secrets_;
};

}  // namespace lodge::agent
