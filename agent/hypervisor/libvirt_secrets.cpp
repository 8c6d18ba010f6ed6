#include "agent/hypervisor/libvirt_secrets.h"

#include "agent/domain/disk_xml.h"
#include "agent/hypervisor/libvirt_handles.h"

namespace lodge::agent {
namespace {

struct SecretFree {
    void operator()(virSecretPtr secret) const noexcept { virSecretFree(secret); }
};
using SecretHandle = std::unique_ptr<virSecret, SecretFree>;

}  // namespace

LibvirtSecrets::Lent::Lent(LibvirtSecrets& owner, virConnectPtr connection)
    : owner_(owner), connection_(connection) {
    virConnectRef(connection_);
}

LibvirtSecrets::Lent::~Lent() {
    {
        std::lock_guard lock(owner_.mutex_);
        for (const std::string& id : ids_) {
            if (--owner_.uses_[id] > 0) continue;
            owner_.uses_.erase(id);
            undefine(connection_, id);
        }
    }
    virConnectClose(connection_);
}

// Again for each use: a libvirtd that was started anew has forgotten it.
Result<std::unique_ptr<LibvirtSecrets::Lent>> LibvirtSecrets::lend(virConnectPtr connection,
                                                                   const std::vector<link::DiskKey>& keys) {
    auto lent = std::make_unique<Lent>(*this, connection);
    for (const link::DiskKey& key : keys) {
        std::unique_lock lock(mutex_);
        ++uses_[key.id];
        lent->ids_.push_back(key.id);
        Status defined = define(connection, key);
        lock.unlock();  // which the end of `lent` takes
        if (!defined) return tl::unexpected(std::move(defined.error()));
    }
    return lent;
}

Status LibvirtSecrets::define(virConnectPtr connection, const link::DiskKey& key) {
    const SecretHandle secret(virSecretDefineXML(connection, secret_xml(key).c_str(), 0));
    if (!secret) return tl::unexpected(libvirt_error("keeping the key of an encrypted disk"));
    const auto* bytes = reinterpret_cast<const unsigned char*>(key.passphrase.data());
    if (virSecretSetValue(secret.get(), bytes, key.passphrase.size(), 0) == 0) return {};
    return tl::unexpected(libvirt_error("keeping the key of an encrypted disk"));
}

void LibvirtSecrets::undefine(virConnectPtr connection, const std::string& id) {
    const SecretHandle secret(virSecretLookupByUUIDString(connection, id.c_str()));
    if (secret) virSecretUndefine(secret.get());
}

}  // namespace lodge::agent
