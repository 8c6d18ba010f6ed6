// What a handler has: who asks, for which region, and the services. It sees no wire text, no SQL, no HTTP.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/catalogue/catalogue.h"
#include "api/describe/record_cache.h"
#include "api/images/places.h"
#include "db/driver/database.h"
#include "proto/base/cidr.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/model/account.h"
#include "proto/model/zone.h"
#include "scheduler/apply/claims.h"
#include "scheduler/reconcile/host_hub.h"
#include "scheduler/volumes/key_ring.h"

namespace lodge::api {

// Facts of the configuration that handlers need.
struct Settings {
    std::string default_region = "us-east-1";
    std::vector<Zone> zones;
    std::string endpoint;  // "http://127.0.0.1:8773", as clients reach it
    scheduler::Strategy strategy = scheduler::Strategy::best_fit;
    std::string paging_key;                                // signs NextTokens
    Cidr ipv6_pool = *Cidr::parse("fd6c:6f64:6700::/40");  // VPCs' IPv6 blocks, each a /56, come out of it
    // What elastic addresses and public addresses at launch come out of; of each block the first address is
    // the provider bridge's own.
    std::vector<Cidr> public_pool;
    images::Places places;                 // that images are imported from and exported to
    AccountLimits limits;                  // of accounts that have none of their own
    std::int64_t console_wait_ms = 3'000;  // how long GetConsoleOutput waits for the host

    std::vector<Zone> zones_of(std::string_view region) const;
    // The endpoint without its scheme.
    std::string host_and_port() const;
};

// One of each, for the life of the process. References outlive every request.
struct Services {
    db::Database& database;
    scheduler::Claims& claims;
    scheduler::HostHub& hub;
    const Clock& clock;
    Random& random;
    const catalogue::Catalogue& catalogue;
    Settings settings;
    volumes::KeyRing keys = {};  // wraps the keys of encrypted volumes
    std::shared_ptr<describe::RecordCache> records = std::make_shared<describe::RecordCache>();
};

// One request; one thread.
class RequestContext {
  public:
    explicit RequestContext(const Services& all) : services(all) {}

    const Services& services;
    AccountId account_id;
    std::string access_key;
    std::string region;
    std::string action;
    std::string request_id;
    std::string fingerprint;  // of the parameters, for ClientToken
    bool dry_run = false;

    UnixMs now_ms() const { return services.clock.now_ms(); }

    // One consistent look at the store.
    template <class F>
    std::invoke_result_t<F, db::Session&> read(F look) {
        return services.database.read(std::move(look));
    }

    // One transaction. With DryRun everything in it is checked, nothing is kept, and success is
    // DryRunOperation.
    template <class F>
    std::invoke_result_t<F, db::Session&> write(F change) {
        if (!dry_run) return services.database.write(std::move(change));
        return services.database.write([&](db::Session& session) -> std::invoke_result_t<F, db::Session&> {
            auto result = change(session);
            if (!result) return result;
            return fail(ErrorCode::dry_run_operation);
        });
    }
};

// ClientTokens, inside the transaction that they protect.
// The resource that an earlier request with this token made, or nothing; IdempotentParameterMismatch when
// that request had other parameters. An empty token never matches.
Result<std::optional<std::string>> replay(db::Session& session, const RequestContext& context,
                                          const std::optional<std::string>& client_token);
void remember(db::Session& session, const RequestContext& context,
              const std::optional<std::string>& client_token, std::string_view result_id);

}  // namespace lodge::api
