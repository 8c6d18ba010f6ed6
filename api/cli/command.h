// What a command of `lodge` is: a row of data and a function. The command line (command_line.cpp), the help
// texts and the shells' completions (completion.cpp) all come from these rows, so that they agree.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace lodge::cli {

struct Session;

// What follows an option. `file` and `choice` also steer completion.
enum class Takes { nothing, text, number, file, choice };

// A rule over text beyond its kind; `must_be` completes "NAME must be …".
struct Rule {
    bool (*holds)(std::string_view) = nullptr;
    std::string_view must_be = {};
};

// An option ("--zone") or, without dashes, a positional argument ("NAME", in the rows' order).
struct Option {
    std::string_view name;
    Takes takes = Takes::text;
    std::string_view placeholder = {};  // of options: "ZONE"
    std::string_view help = {};
    bool required = false;
    std::vector<std::string_view> choices = {};  // with Takes::choice
    std::int64_t least = 0;                      // with Takes::number
    std::int64_t most = 0;
    Rule rule = {};
    std::string_view needs = {};  // an option without which this one makes no sense

    bool positional() const { return !name.starts_with("-"); }
};

// What the user gave, by the option's name. Kinds, choices, ranges and rules have been checked.
class Arguments {
  public:
    void set(std::string_view name, std::string value) { values_[std::string(name)] = std::move(value); }
    bool has(std::string_view name) const { return values_.contains(std::string(name)); }
    // Empty if not given.
    std::string text(std::string_view name) const;
    // `otherwise` if not given.
    std::int64_t number(std::string_view name, std::int64_t otherwise) const;

  private:
    std::map<std::string, std::string> values_;
};

struct Command {
    std::string_view group;  // "account" of `lodge account create`; empty: `lodge backup`
    std::string_view name;
    std::string_view summary;   // one line, for the list of commands
    std::string_view details;   // further sentences for --help; may be empty
    std::string_view examples;  // lines, for --help
    std::vector<Option> options;
    Status (*run)(Session&, const Arguments&);

    // "account create".
    std::string path() const;
};

struct Group {
    std::string_view name;
    std::string_view summary;
};

struct CommandTree {
    std::vector<Option> global_options;
    std::vector<Group> groups;
    std::vector<Command> commands;
};

// Everything `lodge` can do, in the order of its help. See README.md for how to add a command.
CommandTree command_tree();

}  // namespace lodge::cli
