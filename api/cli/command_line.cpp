#include "api/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "api/cli/session.h"

namespace lodge::cli {
namespace {

constexpr std::size_t help_column = 30;

// An option as its command's help lists it: "--zone ZONE", with what it may be.
void add_checks(CLI::Option& made, const Option& option) {
    if (option.takes == Takes::choice) {
        made.check([choices = option.choices](const std::string& value) {
            for (auto choice : choices)
                if (value == choice) return std::string();
            return fmt::format("{} is none of {}", value, fmt::join(choices, ", "));
        });
    }
    if (option.takes == Takes::number) made.check(CLI::Range(option.least, option.most));
    if (option.rule.holds) {
        made.check([rule = option.rule](const std::string& value) {
            return rule.holds(value) ? std::string() : fmt::format("{} must be {}", value, rule.must_be);
        });
    }
}

std::string shown_placeholder(const Option& option) {
    if (option.positional()) return "";
    if (option.takes == Takes::choice) return fmt::format("{}", fmt::join(option.choices, "|"));
    return std::string(option.placeholder);
}

CLI::Option* add_option(CLI::App& app, const Option& option, Arguments& into) {
    std::string name(option.name);
    std::string help(option.help);
    if (option.takes == Takes::nothing)
        return app.add_flag_callback(
            name, [&into, name] { into.set(name, "yes"); }, help);
    auto* made = app.add_option_function<std::string>(
        name, [&into, name](const std::string& value) { into.set(name, value); }, help);
    made->type_name(shown_placeholder(option));
    made->required(option.required);
    add_checks(*made, option);
    return made;
}

void add_options(CLI::App& app, const std::vector<Option>& options, Arguments& into) {
    std::map<std::string_view, CLI::Option*> made;
    for (const auto& option : options) made[option.name] = add_option(app, option, into);
    for (const auto& option : options)
        if (!option.needs.empty()) made[option.name]->needs(made[option.needs]);
}

class Parser {
  public:
    explicit Parser(const CommandTree& tree)
        : tree_(tree), app_("Operates Lodge, the EC2-compatible cloud.") {
        app_.name("lodge");
        app_.get_formatter()->column_width(help_column);
        app_.set_version_flag("--version", fmt::format("lodge {}", version));
        add_options(app_, tree.global_options, read_.global);
        if (auto* state_dir = app_.get_option_no_throw("--state-dir")) state_dir->envname("LODGE_STATE_DIR");
        app_.footer("Each command explains itself: lodge COMMAND --help");
        app_.require_subcommand(1);
        app_.fallthrough();
        for (const auto& group : tree.groups) add_group(group);
        for (const auto& command : tree.commands) add_command(command);
    }

    CommandLine parse(int argc, const char* const* argv) {
        try {
            app_.parse(argc, argv);
            for (const auto& [app, command] : commands_)
                if (app->parsed()) read_.command = command;
        } catch (const CLI::CallForVersion& version_text) {
            read_.to_print = fmt::format("{}\n", version_text.what());
        } catch (const CLI::CallForHelp&) {
            read_.to_print = last_parsed()->help();
        } catch (const CLI::ParseError& error) {
            read_.wrong = true;
            read_.to_print = complaint(error);
        }
        return std::move(read_);
    }

  private:
    void add_group(const Group& group) {
        auto* app = app_.add_subcommand(std::string(group.name), std::string(group.summary));
        app->require_subcommand(1);
        app->fallthrough();
    }

    void add_command(const Command& command) {
        CLI::App* parent = &app_;
        if (!command.group.empty()) parent = app_.get_subcommand(std::string(command.group));
        auto* app = parent->add_subcommand(std::string(command.name), std::string(command.summary));
        app->fallthrough();
        app->footer([&command] {
            std::string footer;
            if (!command.details.empty()) footer += fmt::format("{}\n\n", command.details);
            return footer +
                   fmt::format("Examples:\n{}\n\nOptions of every command: lodge --help", command.examples);
        });
        add_options(*app, command.options, read_.arguments);
        commands_.emplace_back(app, &command);
    }

    // The innermost command that the words got to.
    CLI::App* last_parsed() {
        CLI::App* at = &app_;
        for (auto inner = at->get_subcommands(); !inner.empty(); inner = at->get_subcommands())
            at = inner.back();
        return at;
    }

    // "lodge image import": CLI11's own names lack the way there.
    static std::string full_name(const CLI::App* app) {
        auto name = app->get_name();
        for (app = app->get_parent(); app; app = app->get_parent()) name = app->get_name() + " " + name;
        return name;
    }

    std::string complaint(const CLI::ParseError& error) {
        auto* app = last_parsed();
        bool unfinished =
            !app->get_subcommands({}).empty() && dynamic_cast<const CLI::RequiredError*>(&error);
        if (unfinished) return app->help();
        return fmt::format("lodge: {}\nSee: {} --help\n", error.what(), full_name(app));
    }

    const CommandTree& tree_;
    CLI::App app_;
    CommandLine read_;
    std::vector<std::pair<CLI::App*, const Command*>> commands_;
};

}  // namespace

CommandLine read_command_line(const CommandTree& tree, int argc, const char* const* argv) {
    return Parser(tree).parse(argc, argv);
}

}  // namespace lodge::cli
