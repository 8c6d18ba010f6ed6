#include "db/store/zones.h"

namespace lodge::db::zones {

void put(Session& session, const Zone& zone) {
    session.execute(
        "INSERT INTO zones (name, region, id) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET region = excluded.region, id = excluded.id",
        {zone.name, zone.region, zone.id});
}

std::vector<Zone> list(Session& session) {
    std::vector<Zone> all;
    session.query("SELECT name, region, id FROM zones ORDER BY name", {}, [&](const Row& row) {
        all.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))});
    });
    return all;
}

}  // namespace lodge::db::zones
