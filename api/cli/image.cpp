#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/request.h"

namespace lodge::cli {
namespace {

Status list(Session& session, const Arguments&) {
    LODGE_TRY(auto body, session.client.get("/v1/images"));
    print_list(session, body, "images",
               {{"ID", "id"},
                {"NAME", "name"},
                {"TYPE", "type"},
                {"STATE", "state"},
                {"ARCH", "architecture"},
                {"FORMAT", "format"},
                {"FILE", "size_bytes", Show::bytes},
                {"DISK", "virtual_size_bytes", Show::bytes},
                {"PUBLIC", "public"},
                {"ACCOUNT", "account_id"},
                {"REGION", "region"},
                {"CREATED", "created", Show::time}},
               "No images yet. Import one: lodge image import FILE --name NAME --arch x86_64 --format qcow2");
    return {};
}

Status remove(Session& session, const Arguments& arguments) {
    auto id = arguments.text("ID");
    LODGE_TRY(auto body, session.client.remove(path_to("/v1/images/", id)));
    if (!print_json(session, body)) session.out << fmt::format("Deleted {}.\n", id);
    return {};
}

}  // namespace

std::vector<Command> image_commands() {
    return {
        image_import_command(),
        {.group = "image",
         .name = "list",
         .summary = "List the images",
         .details = "",
         .examples = "  lodge image list",
         .options = {},
         .run = list},
        {.group = "image",
         .name = "delete",
         .summary = "Delete an image",
         .details = "No new instance can be launched from it; those that run keep their disks.",
         .examples = "  lodge image delete ami-0123456789abcdef0",
         .options = {{.name = "ID", .help = "The image's ID, see: lodge image list", .required = true}},
         .run = remove},
    };
}

}  // namespace lodge::cli
