// How much an account may have: the operator's word for it, else the configuration's for everybody. Limits
// hold in each region for itself. Call these in the transaction that takes what they allow: transactions run
// one after the other, so that no two requests take the same.
#pragma once

#include "api/pipeline/context.h"
#include "db/driver/session.h"
#include "proto/model/account.h"

namespace lodge::api {

// Where `own` says nothing, the other.
AccountLimits over(const AccountLimits& own, const AccountLimits& otherwise);

AccountLimits account_limits(db::Session& session, const RequestContext& context);

// How many more instances of that many vCPUs the account may run or reserve room for, `most` at most: what
// capacity reservations hold unused counts like what runs. InstanceLimitExceeded or
// VcpuLimitExceeded if they are fewer than `least`.
Result<std::int64_t> allowed_instances(db::Session& session, const RequestContext& context,
                                       std::int64_t least, std::int64_t most, std::int64_t vcpus);

// How many elastic addresses the account may have: no more than there are.
std::int64_t max_elastic_ips(db::Session& session, const RequestContext& context);
// AddressLimitExceeded if it has as many as it may.
Status check_address_limit(db::Session& session, const RequestContext& context);

}  // namespace lodge::api
