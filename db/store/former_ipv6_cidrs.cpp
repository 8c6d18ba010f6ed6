#include "db/store/former_ipv6_cidrs.h"

#include "db/store/records.h"

namespace lodge::db::former_ipv6_cidrs {
namespace {

const Records<FormerIpv6Cidr>& cidrs() {
    static const Records<FormerIpv6Cidr> records(
        "former_ipv6_cidrs",
        {field("owner_id", &FormerIpv6Cidr::owner_id),
         field("association_id", &FormerIpv6Cidr::association_id), field("cidr", &FormerIpv6Cidr::cidr)});
    return records;
}

}  // namespace

void put(Session& session, const FormerIpv6Cidr& record) {
    erase(session, record.owner_id);
    cidrs().insert(session, record);
}

std::optional<FormerIpv6Cidr> of(Session& session, std::string_view owner_id) {
    return cidrs().one(session, "owner_id = ?", {owner_id});
}

void erase(Session& session, std::string_view owner_id) {
    cidrs().erase(session, "owner_id = ?", {owner_id});
}

}  // namespace lodge::db::former_ipv6_cidrs
