#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/request.h"

namespace lodge::cli {
namespace {

using nlohmann::json;

Status explain(Session& session, const Arguments& arguments) {
    json body = {{"instance_type", arguments.text("TYPE")}};
    if (arguments.has("--count")) body["count"] = arguments.number("--count", 1);
    put(body, "zone", arguments, "--zone");
    put(body, "region", arguments, "--region");
    LODGE_TRY(auto plan, session.client.post("/v1/placement/explain", body));
    if (print_json(session, plan)) return {};
    session.out << cell(plan, "sentence") << '\n';
    for (const auto& host : rows(plan, "hosts"))
        if (host.is_string()) session.out << "  " << host.get_ref<const std::string&>() << '\n';
    return {};
}

}  // namespace

std::vector<Command> placement_commands() {
    return {{.group = "placement",
             .name = "explain",
             .summary = "Say where instances of a type would go now, or why nowhere",
             .details = "Nothing is launched and nothing is claimed. Exits with 0 either way.",
             .examples = "  lodge placement explain m5.large --count 3\n"
                         "  lodge placement explain t3.micro --zone lab-1a",
             .options = {{.name = "TYPE", .help = "The instance type", .required = true},
                         {.name = "--count",
                          .takes = Takes::number,
                          .placeholder = "N",
                          .help = "How many instances (default: 1)",
                          .least = 1,
                          .most = 1000},
                         {.name = "--zone", .placeholder = "ZONE", .help = "In this zone only"},
                         {.name = "--region",
                          .placeholder = "REGION",
                          .help = "In this region (default: lodged's)"}},
             .run = explain}};
}

}  // namespace lodge::cli
