// `lodge`, the operator's command line. Exit codes: 0 done, 1 refused or failed, 2 wrong use; a command may
// say others of what it found (network explain: 3).
#include <curl/curl.h>

#include <exception>
#include <iostream>

#include "api/cli/command_line.h"
#include "api/cli/session.h"
#include "api/cli/text.h"

namespace {

using namespace lodge::cli;

int report(const lodge::Error& error) {
    std::cerr << "lodge: " << printable(error.message, true) << '\n';
    return 1;
}

Session make_session(const Arguments& global) {
    std::filesystem::path state_dir =
        global.has("--state-dir") ? global.text("--state-dir") : "/var/lib/lodge";
    auto socket = global.has("--socket") ? global.text("--socket") : (state_dir / "lodged.sock").string();
    return Session{state_dir, Client(socket), global.has("--json"), std::cout, std::cerr};
}

int run(int argc, const char* const* argv) {
    auto tree = command_tree();
    auto line = read_command_line(tree, argc, argv);
    if (!line.command) {
        (line.wrong ? std::cerr : std::cout) << line.to_print << std::flush;
        return line.wrong ? 2 : 0;
    }
    auto session = make_session(line.global);
    auto outcome = line.command->run(session, line.arguments);
    std::cout.flush();
    if (!outcome) return report(outcome.error());
    if (!std::cout) return report({lodge::ErrorCode::io_failure, "cannot write the output"});
    return session.exit_status;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "lodge: a defect in lodge itself: " << error.what() << '\n';
        return 1;
    }
}
