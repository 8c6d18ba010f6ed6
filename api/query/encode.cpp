#include "api/query/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "proto/base/clock.h"
#include "proto/base/encoding.h"

namespace lodge::query {
namespace {

using ec2::Field;
using ec2::Kind;
using ec2::StructTable;

constexpr std::array protocols = {
    Protocol{"ec2", "http://ec2.amazonaws.com/doc/2016-11-15/", true},
    Protocol{"sts", "https://sts.amazonaws.com/doc/2011-06-15/", false},
};

void open(std::string& out, std::string_view name) {
    out += '<';
    out += name;
    out += '>';
}

void close(std::string& out, std::string_view name) {
    out += "</";
    out += name;
    out += '>';
}

void leaf(std::string& out, std::string_view name, std::string_view text) {
    open(out, name);
    append_escaped(out, text);
    close(out, name);
}

void append_struct(std::string& out, const StructTable& table, const void* object, std::string_view item);

void append_value(std::string& out, const Field& field, const void* value, std::string_view item) {
    switch (field.kind) {
        case Kind::string:
            append_escaped(out, *static_cast<const std::string*>(value));
            break;
        case Kind::integer:
            fmt::format_to(std::back_inserter(out), "{}", *static_cast<const std::int64_t*>(value));
            break;
        case Kind::boolean:
            out += *static_cast<const bool*>(value) ? "true" : "false";
            break;
        case Kind::real:
            fmt::format_to(std::back_inserter(out), "{}", *static_cast<const double*>(value));
            break;
        case Kind::timestamp:
            out += format_time(*static_cast<const UnixMs*>(value));
            break;
        case Kind::blob:
            out += base64_encode(*static_cast<const std::string*>(value));
            break;
        case Kind::structure:
            append_struct(out, *field.sub, value, item);
            break;
    }
}

void append_list(std::string& out, const Field& field, const void* object, std::string_view item) {
    open(out, field.xml);
    for (std::size_t i = 0, n = field.access.size(object); i < n; ++i) {
        open(out, item);
        append_value(out, field, field.access.at(object, i), item);
        close(out, item);
    }
    close(out, field.xml);
}

void append_struct(std::string& out, const StructTable& table, const void* object, std::string_view item) {
    for (const auto& field : table.fields) {
        if (field.honour != ec2::Honour::honoured) continue;
        if (field.list) {
            append_list(out, field, object, item);
        } else if (const void* value = field.access.get(object)) {
            open(out, field.xml);
            append_value(out, field, value, item);
            close(out, field.xml);
        }
    }
}

std::string_view entity_of(char c) {
    switch (c) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\r':
            return "&#13;";
        default:
            return {};
    }
}

// Bytes that stand for themselves, as nearly all of a reply do: runs of them are copied at once.
constexpr std::array<bool, 256> plain_bytes = [] {
    std::array<bool, 256> plain{};
    for (int c = ' '; c < 0x7f; ++c) plain.at(static_cast<std::size_t>(c)) = true;
    for (char c : {'&', '<', '>', '"'}) plain.at(static_cast<unsigned char>(c)) = false;
    return plain;
}();

std::size_t plain_run(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && plain_bytes[static_cast<unsigned char>(text[length])]) ++length;
    return length;
}

// In the response's own lists, and itself.
std::size_t items_in(const StructTable& table, const void* object) {
    std::size_t count = 1;
    for (const auto& field : table.fields)
        if (field.list) count += field.access.size(object);
    return count;
}

// What a client is told of its own bytes stays short.
std::string_view shortened(std::string_view message) {
    constexpr std::size_t longest = 1'000;
    return message.substr(0, longest);
}

void open_root(std::string& out, std::string_view name, std::string_view xml_namespace) {
    out += R"(<?xml version="1.0" encoding="UTF-8"?>)"
           "\n<";
    out += name;
    out += " xmlns=\"";
    out += xml_namespace;
    out += "\">";
}

}  // namespace

const Protocol* find_protocol(std::string_view service) {
    for (const auto& protocol : protocols)
        if (protocol.service == service) return &protocol;
    return nullptr;
}

void append_escaped(std::string& out, std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (auto length = plain_run(text.substr(at))) {
            out += text.substr(at, length);
            at += length;
            continue;
        }
        auto character = text.substr(at, utf8_length(text, at));
        at += std::max<std::size_t>(1, character.size());
        if (!xml_character(character)) {
            out += "\xEF\xBF\xBD";
        } else if (auto entity = entity_of(character.front()); !entity.empty()) {
            out += entity;
        } else {
            out += character;
        }
    }
}

std::string encode_response(const Protocol& protocol, const ec2::ActionTable& action, const void* object,
                            std::string_view request_id) {
    // An answer's items are about as long as those of the last: megabytes are not grown into from nothing.
    thread_local std::unordered_map<const ec2::ActionTable*, std::size_t> item_bytes;
    auto& known_bytes = item_bytes[&action];
    const auto items = items_in(*action.response, object);
    std::string out;
    out.reserve(1'024 + items * (known_bytes + known_bytes / 8));
    std::string root = std::string(action.name) + "Response";
    open_root(out, root, protocol.xml_namespace);
    if (protocol.ec2_form) {
        leaf(out, "requestId", request_id);
        if (action.response->fields.empty()) leaf(out, "return", "true");
        append_struct(out, *action.response, object, "item");
    } else {
        std::string result = std::string(action.name) + "Result";
        open(out, result);
        append_struct(out, *action.response, object, "member");
        close(out, result);
        open(out, "ResponseMetadata");
        leaf(out, "RequestId", request_id);
        close(out, "ResponseMetadata");
    }
    close(out, root);
    known_bytes = out.size() / items;
    return out;
}

std::string encode_error(const Protocol& protocol, const Error& error, std::string_view request_id) {
    std::string out;
    if (protocol.ec2_form) {
        out = R"(<?xml version="1.0" encoding="UTF-8"?>)"
              "\n<Response><Errors><Error>";
        leaf(out, "Code", wire_code(error.code));
        leaf(out, "Message", shortened(error.message));
        out += "</Error></Errors>";
        leaf(out, "RequestID", request_id);
        return out += "</Response>";
    }
    open_root(out, "ErrorResponse", protocol.xml_namespace);
    open(out, "Error");
    leaf(out, "Type", http_status(error.code) >= 500 ? "Receiver" : "Sender");
    leaf(out, "Code", wire_code(error.code));
    leaf(out, "Message", shortened(error.message));
    close(out, "Error");
    leaf(out, "RequestId", request_id);
    return out += "</ErrorResponse>";
}

}  // namespace lodge::query
