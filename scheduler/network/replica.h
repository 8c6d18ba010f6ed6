// A copy of a database as its server tells it: what a monitor's updates (RFC 7047, section 4.1.6) amount to.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "proto/base/result.h"
#include "scheduler/network/rows.h"

namespace lodge::network {

// Not for several threads at once.
class Replica {
  public:
    using Columns = std::map<std::string, Json>;  // values in canonical notation

    // Takes in <table-updates>.
    void apply(const Json& table_updates);
    void clear();

    // One row, in whatever stead of the one there.
    void put(const std::string& table, const std::string& uuid, Columns columns);
    // Null when there is none. The columns are not to be given another key, scope or place.
    Columns* edit(const std::string& table, const std::string& uuid);
    // The row that was there.
    std::optional<Columns> take(const std::string& table, const std::string& uuid);

    // A row of ours by its key, and its UUID; null when there is none. Of several with one key (a copy that
    // somebody made) always the same one.
    struct Found {
        const std::string* uuid;
        const std::string* table;
        const Columns* columns;
    };
    std::optional<Found> find(const std::string& key) const;
    // All rows of ours in a scope, e.g. a VPC's, copies too.
    std::vector<Found> rows_of(const std::string& scope) const;
    std::vector<std::string> scopes() const;

    // All rows of a table, by UUID.
    const std::map<std::string, Columns>& rows(const std::string& table) const;

  private:
    struct Place {
        std::string table;
        std::string uuid;
        auto operator<=>(const Place&) const = default;
    };
    Found found(const Place& place) const;

    std::map<std::string, std::map<std::string, Columns>> tables_;
    std::map<std::string, std::set<Place>> by_key_;
    std::map<std::string, std::set<Place>> by_scope_;
};

// The names of our entries in external_ids.
inline constexpr std::string_view key_entry = "lodge-key";      // which row it is
inline constexpr std::string_view scope_entry = "lodge-scope";  // whose: a VPC's ID, or "cloud"
inline constexpr std::string_view owner_entry = "lodge-owner";  // the account
inline constexpr std::string_view revision_entry =
    "lodge-revision";  // of the scope, when the row last changed

// An entry of a map column; empty when it is not there.
std::string map_entry(const Json& map, std::string_view name);

}  // namespace lodge::network
