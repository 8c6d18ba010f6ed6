#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/restore.h"

namespace lodge::cli {
namespace {

namespace fs = std::filesystem;
constexpr long backup_timeout_s = 3600;

Status backup(Session& session, const Arguments& arguments) {
    std::error_code error;
    auto path = fs::absolute(arguments.text("FILE"), error);  // lodged has a working folder of its own
    if (error) return fail(ErrorCode::io_failure, "cannot tell the working folder: " + error.message());
    LODGE_TRY(auto made, session.client.post("/v1/backup", {{"path", path.string()}}, backup_timeout_s));
    if (print_json(session, made)) return {};
    session.out << fmt::format("Wrote {} ({}). It holds the accounts' secrets; keep it safe.\n",
                               cell(made, "path"), cell(made, "size_bytes", Show::bytes));
    return {};
}

Status restore(Session& session, const Arguments& arguments) {
    LODGE_CHECK(restore_database(arguments.text("FILE"), session.state_dir));
    auto database = (session.state_dir / "lodge.db").string();
    if (print_json(session, {{"path", database}})) return {};
    session.out << fmt::format("Restored {}. Start lodged again: systemctl start lodged\n", database);
    return {};
}

}  // namespace

std::vector<Command> backup_commands() {
    return {
        {.group = "",
         .name = "backup",
         .summary = "Write lodged's database into a file, while it runs",
         .details =
             "lodged writes the file, so it must be able to. Images, guests' disks and the master key that\n"
             "encrypted volumes need are not in it.",
         .examples = "  lodge backup /var/backups/lodge-$(date +%F).db",
         .options = {{.name = "FILE", .takes = Takes::file, .help = "The file to make", .required = true}},
         .run = backup},
        {.group = "",
         .name = "restore",
         .summary = "Put a backup in the place of lodged's database, while it is stopped",
         .details =
             "Refuses if a database is there or lodged runs. Guests that were launched after the backup\n"
             "are unknown to it: they go on, and lodge doctor lists them.",
         .examples = "  systemctl stop lodged && mv /var/lib/lodge/lodge.db* /var/tmp/ &&\n"
                     "      lodge restore /var/backups/lodge-2026-11-23.db && systemctl start lodged",
         .options =
             {{.name = "FILE", .takes = Takes::file, .help = "What lodge backup wrote", .required = true}},
         .run = restore},
    };
}

}  // namespace lodge::cli
