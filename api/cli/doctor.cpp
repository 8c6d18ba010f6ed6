// `lodge doctor`: what is wrong, in sentences; it works while lodged does not.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/findings.h"
#include "api/cli/output.h"
#include "api/images/descriptor.h"

namespace lodge::cli {
namespace {

namespace fs = std::filesystem;
using images::Descriptor;
using nlohmann::json;

constexpr int exit_with_findings = 3;
constexpr std::uint64_t low_disk_bytes = std::uint64_t{1} << 30;

// Whether some process holds the database's lock; a lock file by itself says nothing.
bool is_locked(const fs::path& lock_path) {
    Descriptor lock(::open(lock_path.c_str(), O_RDONLY | O_CLOEXEC));
    return lock.open() && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

void look_at_disk(const fs::path& state_dir, std::vector<Finding>& found) {
    struct statvfs space {};
    if (::statvfs(state_dir.c_str(), &space) != 0) return;
    auto free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    if (free_bytes < low_disk_bytes)
        found.push_back({fmt::format("The file system of {} is low: {} MiB are free.", state_dir.string(),
                                     free_bytes >> 20),
                         "Make room, or lodged will refuse what it cannot write. Images are in " +
                             (state_dir / "images").string() + ": lodge image delete"});
}

// A restore that was killed leaves its unfinished copy.
void look_at_restore(const fs::path& state_dir, bool mend, std::vector<Finding>& found) {
    const fs::path left = state_dir / "lodge.db.restoring";
    std::error_code error;
    if (!fs::exists(left, error) || is_locked(state_dir / "lodge.db.lock")) return;
    const bool removed = mend && fs::remove(left, error);
    found.push_back({"A lodge restore was cut short; its unfinished copy is " + left.string() + ".",
                     removed ? "Mended: removed. Run lodge restore again."
                             : "lodge doctor --mend removes it; then run lodge restore again."});
}

Finding why_no_answer(const fs::path& state_dir, const std::string& message) {
    const fs::path database = state_dir / "lodge.db";
    std::error_code error;
    if (is_locked(database.string() + ".lock"))
        return {
            "lodged has the database and does not answer: " + message,
            "It is starting, or stuck: journalctl -u lodged, then systemctl restart lodged. Guests go on."};
    if (::access(state_dir.c_str(), R_OK | X_OK) != 0 && errno == EACCES)
        return {"You may not look into " + state_dir.string() + ".",
                "Run lodge as root, or as lodged's user."};
    if (!fs::exists(state_dir, error))
        return {"There is no state folder " + state_dir.string() + ".",
                "Say where it is: --state-dir DIR; lodged makes a new one when it starts."};
    if (!fs::exists(database, error))
        return {"lodged does not run, and there is no database " + database.string() + ".",
                "If there was one, put a backup back (lodge restore FILE) before you start lodged: it would "
                "make an empty one, which knows none of the guests."};
    return {
        "lodged does not run: " + message,
        "systemctl start lodged. What a past one has left (lodge.db.lock, lodged.sock, lodge.db-wal) is in "
        "nobody's way; the log belongs to the database, so let it be. Guests go on."};
}

// Nothing is found out of what lodged knows when it does not answer.
void ask_lodged(Session& session, std::vector<Finding>& found) {
    auto info = session.client.get("/v1/info");
    if (!info) return found.push_back(why_no_answer(session.state_dir, info.error().message));
    auto hosts = session.client.get("/v1/hosts");
    auto diagnosis = session.client.get("/v1/diagnosis");
    for (const auto* each : {&hosts, &diagnosis})
        if (!*each)
            return found.push_back(
                {"lodged cannot tell how it is: " + each->error().message,
                 "See: journalctl -u lodged; the disk of its state folder may be broken."});
    for (auto& each : findings_of(*info, *hosts, *diagnosis)) found.push_back(std::move(each));
}

void mend(Session& session, Finding& finding) {
    if (finding.call_path.empty()) return;
    auto done = session.client.post(finding.call_path, {{"host_id", finding.host_id}});
    finding.mend =
        done ? "Mended: the host removes it within seconds." : "Not mended: " + done.error().message;
}

void print(Session& session, const std::vector<Finding>& found) {
    json all = json::array();
    for (const auto& each : found) all.push_back({{"finding", each.what}, {"mend", each.mend}});
    if (print_json(session, {{"findings", all}})) return;
    if (found.empty()) session.out << "Nothing is wrong that lodge can see.\n";
    for (const auto& each : found) session.out << each.what << "\n    " << each.mend << '\n';
}

Status doctor(Session& session, const Arguments& arguments) {
    const bool mends = arguments.has("--mend");
    std::vector<Finding> found;
    look_at_disk(session.state_dir, found);
    look_at_restore(session.state_dir, mends, found);
    ask_lodged(session, found);
    if (mends)
        for (auto& each : found) mend(session, each);
    print(session, found);
    if (!found.empty()) session.exit_status = exit_with_findings;
    return {};
}

}  // namespace

std::vector<Command> doctor_commands() {
    return {
        {.group = "",
         .name = "doctor",
         .summary = "Tell what is wrong with the cloud, and what mends it",
         .details =
             "Looks at lodged, its folder, the hosts and what is left on them. Changes nothing without "
             "--mend, "
             "which does only what can harm nobody: no running guest ends and no disk goes for it. Ends with "
             "status 3 if it has found something.",
         .examples = "  lodge doctor\n  lodge doctor --mend",
         .options = {{.name = "--mend", .takes = Takes::nothing, .help = "Mend what is safe to mend"}},
         .run = doctor}};
}

}  // namespace lodge::cli
