// Replies: whatever a struct holds, encode.h writes it so that an XML parser reads the same out of it again.
#include <fmt/format.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <pugixml.hpp>

#include "api/query/encode.h"
#include "proto/base/encoding.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shapes.h"

namespace lodge::fuzz {
namespace {

using ec2::Field;
using ec2::Kind;
using ec2::StructTable;

constexpr int most_levels = 6;
constexpr std::size_t most_text_bytes = 64;
constexpr UnixMs last_ms = 253402300799999;  // of the year 9999

// ---- Filling ----

void fill(FuzzedDataProvider& data, const StructTable& table, void* object, int level);

void fill_value(FuzzedDataProvider& data, const Field& field, void* value, int level) {
    switch (field.kind) {
        case Kind::string:
        case Kind::blob:
            *static_cast<std::string*>(value) = data.ConsumeRandomLengthString(most_text_bytes);
            break;
        case Kind::integer:
            *static_cast<std::int64_t*>(value) = data.ConsumeIntegral<std::int64_t>();
            break;
        case Kind::boolean:
            *static_cast<bool*>(value) = data.ConsumeBool();
            break;
        case Kind::real:
            *static_cast<double*>(value) = data.ConsumeFloatingPoint<double>();
            break;
        case Kind::timestamp:
            *static_cast<UnixMs*>(value) = data.ConsumeIntegralInRange<UnixMs>(0, last_ms);
            break;
        case Kind::structure:
            fill(data, *field.sub, value, level + 1);
            break;
    }
}

void fill(FuzzedDataProvider& data, const StructTable& table, void* object, int level) {
    for (const auto& field : table.fields) {
        if (level > most_levels || data.remaining_bytes() == 0) return;
        if (field.honour != ec2::Honour::honoured) continue;
        if (field.list) {
            for (int left = data.ConsumeIntegralInRange(0, 3); left > 0; --left)
                fill_value(data, field, field.access.append(object), level);
        } else if (data.ConsumeBool()) {
            fill_value(data, field, field.access.put(object), level);
        }
    }
}

// ---- Comparing ----

// What XML cannot hold is replaced, character by character.
std::string writable(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        auto length = utf8_length(text, at);
        auto character = std::string_view(text).substr(at, length);
        out += xml_character(character) ? character : "\xEF\xBF\xBD";
        at += std::max<std::size_t>(1, length);
    }
    return out;
}

void compare(const pugi::xml_node& node, const StructTable& table, const void* object,
             const std::string& item);

void compare_value(const pugi::xml_node& node, const Field& field, const void* value,
                   const std::string& item) {
    std::string text = node.text().get();
    switch (field.kind) {
        case Kind::string:
            return promise(text == writable(*static_cast<const std::string*>(value)), "text survives");
        case Kind::blob:
            return promise(base64_decode(text) == *static_cast<const std::string*>(value), "bytes survive");
        case Kind::integer:
            return promise(text == std::to_string(*static_cast<const std::int64_t*>(value)),
                           "numbers survive");
        case Kind::boolean:
            return promise(text == (*static_cast<const bool*>(value) ? "true" : "false"), "booleans survive");
        case Kind::real:
            return promise(std::strtod(text.c_str(), nullptr) == *static_cast<const double*>(value),
                           "fractions survive");
        case Kind::timestamp:
            return promise(parse_time(text) == *static_cast<const UnixMs*>(value), "times survive");
        case Kind::structure:
            return compare(node, *field.sub, value, item);
    }
}

void compare_list(const pugi::xml_node& list, const Field& field, const void* object,
                  const std::string& item) {
    promise(!list.empty(), "an empty list is an element");
    auto each = list.first_child();
    for (std::size_t i = 0; i < field.access.size(object); ++i, each = each.next_sibling()) {
        promise(each.name() == item, "a list is made of items");
        compare_value(each, field, field.access.at(object, i), item);
    }
    promise(each.empty(), "a list has no more items than were given");
}

void compare(const pugi::xml_node& node, const StructTable& table, const void* object,
             const std::string& item) {
    for (const auto& field : table.fields) {
        if (field.honour != ec2::Honour::honoured) continue;
        auto child = node.child(std::string(field.xml).c_str());
        if (field.list) {
            compare_list(child, field, object, item);
        } else if (const void* value = field.access.get(object)) {
            promise(!child.empty(), "what is set is there");
            compare_value(child, field, value, item);
        } else {
            promise(child.empty(), "what is not set is not there");
        }
    }
}

void check_reply(const ec2::ActionTable& action, const void* object, const char* service,
                 const std::string& request_id) {
    auto xml = query::encode_response(*query::find_protocol(service), action, object, request_id);
    pugi::xml_document document;
    promise(document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata),
            "a reply is XML");
    auto root = document.child((std::string(action.name) + "Response").c_str());
    bool ec2_form = std::string_view(service) == "ec2";
    auto id = ec2_form ? root.child("requestId") : root.child("ResponseMetadata").child("RequestId");
    promise(id.text().get() == writable(request_id), "the request's ID survives");
    auto holder = ec2_form ? root : root.child((std::string(action.name) + "Result").c_str());
    compare(holder, *action.response, object, ec2_form ? "item" : "member");
}

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge;
    using namespace lodge::fuzz;
    FuzzedDataProvider data(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    auto index = data.ConsumeIntegralInRange<std::size_t>(0, ec2::action_count - 1);
    auto request_id = data.ConsumeRandomLengthString(16);
    auto object = shapes[index].make_response();
    fill(data, *ec2::actions[index].response, object.get(), 0);
    for (const char* service : {"ec2", "sts"})
        check_reply(ec2::actions[index], object.get(), service, request_id);
}
