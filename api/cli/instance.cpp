#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/request.h"

namespace lodge::cli {
namespace {

Status list(Session& session, const Arguments&) {
    LODGE_TRY(auto body, session.client.get("/v1/instances"));
    print_list(session, body, "instances",
               {{"ID", "id"},
                {"ACCOUNT", "account_id"},
                {"REGION", "region"},
                {"TYPE", "type"},
                {"STATE", "state"},
                {"DESIRED", "desired"},
                {"OBSERVED", "observed"},
                {"HOST", "host_id"},
                {"GUEST", "guest_id"},
                {"IMAGE", "image_id"},
                {"LAUNCHED", "launched", Show::time}},
               "No instances.");
    return {};
}

Status events(Session& session, const Arguments& arguments) {
    LODGE_TRY(auto body, session.client.get(path_to("/v1/events/", arguments.text("RESOURCE-ID"))));
    print_list(session, body, "events", {{"AT", "at", Show::time}, {"KIND", "kind"}, {"MESSAGE", "message"}},
               "No events.");
    return {};
}

}  // namespace

std::vector<Command> instance_commands() {
    return {
        {.group = "instance",
         .name = "list",
         .summary = "List all accounts' instances and where they run",
         .details = "DESIRED is what the API was asked for, OBSERVED what the host last reported.",
         .examples = "  lodge instance list",
         .options = {},
         .run = list},
        {.group = "",
         .name = "events",
         .summary = "Show what happened to an instance, a guest, a host or an image",
         .details = "",
         .examples = "  lodge events i-0123456789abcdef0",
         .options = {{.name = "RESOURCE-ID", .help = "Its ID, of whatever kind", .required = true}},
         .run = events},
    };
}

}  // namespace lodge::cli
