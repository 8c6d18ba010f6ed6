// argv against the command tree. CLI11 is used here and nowhere else.
#pragma once

#include <string>

#include "api/cli/command.h"

namespace lodge::cli {

struct CommandLine {
    const Command* command = nullptr;  // of the tree that was given; null: nothing to run, see the rest
    Arguments arguments;
    Arguments global;
    std::string to_print;  // help or version, for stdout; or what is wrong, for stderr
    bool wrong = false;    // wrong use: exit with 2
};

// Help is asked for with -h or --help after any command. $LODGE_STATE_DIR stands in for --state-dir.
CommandLine read_command_line(const CommandTree& tree, int argc, const char* const* argv);

}  // namespace lodge::cli
