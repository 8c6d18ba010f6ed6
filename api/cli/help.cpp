#include "api/cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "api/cli/text.h"

namespace lodge::cli {
namespace {

struct Row {
    std::string left;
    std::string right;
};

// A titled list in two columns; nothing if it is empty.
std::string section(std::string_view title, const std::vector<Row>& rows) {
    if (rows.empty()) return "";
    std::size_t width = 0;
    for (const auto& row : rows) width = std::max(width, display_width(row.left));
    std::string out = fmt::format("\n{}:\n", title);
    for (const auto& row : rows)
        out += fmt::format("  {}{}  {}\n", row.left, std::string(width - display_width(row.left), ' '),
                           row.right);
    return out;
}

std::string with_placeholder(const Option& option) {
    auto value = placeholder(option);
    return value.empty() ? std::string(option.name) : fmt::format("{} {}", option.name, value);
}

Row option_row(const Option& option) {
    std::string help(option.help);
    if (option.required && !option.positional()) help += " (required)";
    if (!option.needs.empty()) help += fmt::format(" (with {})", option.needs);
    return {with_placeholder(option), help};
}

std::vector<Row> option_rows(const std::vector<Option>& options, bool positional) {
    std::vector<Row> rows;
    for (const auto& option : options)
        if (option.positional() == positional) rows.push_back(option_row(option));
    return rows;
}

std::string global_section(const CommandTree& tree) {
    auto rows = option_rows(tree.global_options, false);
    rows.push_back({"-h, --help", "Print this help"});
    return section("Options of every command", rows);
}

std::string usage(const Command& command) {
    std::string line = "Usage: lodge " + command.path();
    bool more = false;
    for (const auto& option : command.options) {
        if (option.required)
            line.append(" ").append(with_placeholder(option));
        else if (option.positional())
            line.append(" [").append(option.name).append("]");
        more |= !option.required && !option.positional();
    }
    return line + (more ? " [OPTIONS]\n" : "\n");
}

std::vector<Row> command_rows(const CommandTree& tree, std::string_view group) {
    std::vector<Row> rows;
    for (const auto& command : tree.commands)
        if (command.group == group) rows.push_back({std::string(command.name), std::string(command.summary)});
    return rows;
}

}  // namespace

std::string placeholder(const Option& option) {
    if (option.positional() || option.takes == Takes::nothing) return "";
    if (option.takes == Takes::choice) return fmt::format("{}", fmt::join(option.choices, "|"));
    return std::string(option.placeholder);
}

std::string top_help(const CommandTree& tree) {
    std::vector<Row> rows;
    for (const auto& group : tree.groups) {
        std::vector<std::string_view> names;
        for (const auto& command : tree.commands)
            if (command.group == group.name) names.push_back(command.name);
        rows.push_back({fmt::format("{} {}", group.name, fmt::join(names, "|")), std::string(group.summary)});
    }
    auto single = command_rows(tree, "");
    rows.insert(rows.end(), single.begin(), single.end());
    return "Usage: lodge COMMAND …\n\nOperates Lodge, the EC2-compatible cloud on your own hosts.\n" +
           section("Commands", rows) + global_section(tree) +
           "\nlodge --version prints the version; lodge COMMAND --help explains a command.\n";
}

std::string group_help(const CommandTree& tree, const Group& group) {
    return fmt::format("Usage: lodge {} COMMAND …\n\n{}.\n", group.name, group.summary) +
           section("Commands", command_rows(tree, group.name)) + global_section(tree);
}

std::string command_help(const CommandTree& tree, const Command& command) {
    std::string out = usage(command) + fmt::format("\n{}.\n", command.summary);
    if (!command.details.empty()) out += fmt::format("{}\n", command.details);
    return out + section("Arguments", option_rows(command.options, true)) +
           section("Options", option_rows(command.options, false)) + global_section(tree) +
           fmt::format("\nExamples:\n{}\n", command.examples);
}

std::string help_for(const CommandTree& tree, std::string_view path) {
    for (const auto& command : tree.commands)
        if (command.path() == path) return command_help(tree, command);
    for (const auto& group : tree.groups)
        if (group.name == path) return group_help(tree, group);
    return top_help(tree);
}

}  // namespace lodge::cli
