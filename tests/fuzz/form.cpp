// A form or a query string, from bytes to a typed request: api/query's form.h and decode.h.
#include <algorithm>
#include <pugixml.hpp>

#include "api/auth/canonical.h"
#include "api/query/decode.h"
#include "api/query/encode.h"
#include "api/query/form.h"
#include "proto/base/encoding.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shapes.h"

namespace lodge::fuzz {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_xml(const std::string& text) {
    pugi::xml_document document;
    return utf8_valid(text) && document.load_buffer(text.data(), text.size());
}

void check_error(const Error& error, std::initializer_list<ErrorCode> allowed) {
    promise(std::find(allowed.begin(), allowed.end(), error.code) != allowed.end(),
            "only the client is to blame, in known words");
    for (const char* service : {"ec2", "sts"})
        promise(is_xml(query::encode_error(*query::find_protocol(service), error, "id")),
                "an error can be told whatever it quotes");
}

bool same(const query::Parameters& a, const query::Parameters& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.key == y.key && x.value == y.value; });
}

void check_written_again(const query::Parameters& parameters) {
    std::string text;
    for (const auto& each : parameters)
        text += percent_encode(each.key) + '=' + percent_encode(each.value) + '&';
    auto again = query::parse_form(text);
    promise(again && same(*again, parameters), "what is written again reads the same");
}

// Or a signature would cover other parameters than are acted upon.
void check_signed_the_same(std::string_view text, const query::Parameters& parameters) {
    auto pairs = auth::parse_query(text);
    promise(pairs && std::equal(pairs->begin(), pairs->end(), parameters.begin(), parameters.end(),
                                [](const auto& pair, const auto& parameter) {
                                    return pair.name == parameter.key && pair.value == parameter.value;
                                }),
            "the signature covers what the decoder reads");
}

void check_fingerprint(query::Parameters parameters) {
    auto one = query::fingerprint(parameters);
    std::reverse(parameters.begin(), parameters.end());
    promise(query::fingerprint(parameters) == one, "the order of parameters is nothing to a ClientToken");
}

bool is_text(const std::string& text) {
    std::string escaped;
    query::append_escaped(escaped, text);
    return is_xml("<a>" + escaped + "</a>") &&
           (text.find(replacement) != std::string::npos || escaped.find(replacement) == std::string::npos);
}

void check_accepted(const ec2::StructTable& table, const void* object);

void check_value(const ec2::Field& field, const void* value) {
    if (field.kind == ec2::Kind::structure) return check_accepted(*field.sub, value);
    if (field.kind != ec2::Kind::string) return;
    const auto& text = *static_cast<const std::string*>(value);
    promise(is_text(text), "what was accepted can be shown");
    auto allowed = field.allowed();
    promise(allowed.empty() || std::find(allowed.begin(), allowed.end(), text) != allowed.end(),
            "a word is one of those");
}

// A typed request: its text can be written in a reply, and what it needs is there.
void check_accepted(const ec2::StructTable& table, const void* object) {
    for (const auto& field : table.fields) {
        if (field.honour != ec2::Honour::honoured) continue;
        if (field.list) {
            promise(!field.required || field.access.size(object) > 0, "a list that is needed has items");
            for (std::size_t i = 0; i < field.access.size(object); ++i)
                check_value(field, field.access.at(object, i));
        } else if (const void* value = field.access.get(object)) {
            check_value(field, value);
        }
    }
}

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge;
    using namespace lodge::fuzz;
    auto parameters = query::parse_form(text);
    if (!parameters)
        return check_error(parameters.error(),
                           {ErrorCode::malformed_query_string, ErrorCode::invalid_query_parameter});
    check_written_again(*parameters);
    check_signed_the_same(text, *parameters);
    check_fingerprint(*parameters);
    auto tree = query::ParameterTree::build(*parameters);
    if (!tree) return check_error(tree.error(), {ErrorCode::unknown_parameter});
    const auto* name = query::find(*parameters, "Action");
    auto index = action_index(name ? *name : "");
    auto request = shapes[index].make_request();
    auto decoded = query::decode(*tree, *ec2::actions[index].request, request.get());
    if (decoded) return check_accepted(*ec2::actions[index].request, request.get());
    check_error(decoded.error(), {ErrorCode::unknown_parameter, ErrorCode::missing_parameter,
                                  ErrorCode::invalid_parameter_value, ErrorCode::unsupported_operation,
                                  ErrorCode::invalid_query_parameter});
}
