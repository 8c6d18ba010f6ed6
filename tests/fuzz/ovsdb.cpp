// What an OVSDB server sends: the stream's splitter, replies, and the copies that both sides keep of its
// tables. The first byte says in what pieces the stream arrives.
#include <nlohmann/json.hpp>

#include "agent/network/ovs_view.h"
#include "proto/ovsdb/results.h"
#include "proto/ovsdb/splitter.h"
#include "scheduler/network/replica.h"
#include "tests/fuzz/fuzz.h"

namespace lodge::fuzz {
namespace {

using nlohmann::json;

struct Split {
    std::vector<std::string> texts;
    bool refused = false;
};

Split split(std::string_view stream, std::size_t piece_bytes) {
    Split out;
    ovsdb::Splitter splitter(4096, 16);
    for (std::size_t at = 0; at < stream.size() && !out.refused; at += piece_bytes) {
        auto texts = splitter.feed(stream.substr(at, piece_bytes));
        out.refused = !texts;
        if (!texts) break;
        for (auto& text : *texts) out.texts.push_back(std::move(text));
    }
    return out;
}

void check_results(const json& message) {
    for (std::size_t operations : {0, 1, 3}) {
        auto results = ovsdb::results_of(message, operations);
        if (!results) continue;
        promise(results->is_array() && results->size() >= operations, "each operation has its result");
        for (const auto& result : *results) promise(result.is_object(), "a result is an object");
    }
}

void check_replica(network::Replica& replica, const json& updates) {
    replica.apply(updates);
    for (const auto& scope : replica.scopes()) {
        auto rows = replica.rows_of(scope);
        promise(!rows.empty(), "a scope has rows");
        for (const auto& row : rows) {
            auto ids = network::map_entry(row.columns->at("external_ids"), network::key_entry);
            promise(replica.rows(*row.table).contains(*row.uuid), "what a scope names is a row");
            promise(replica.find(ids).has_value(), "a row is found by its key");
        }
    }
}

void check_view(agent::OvsView& view, const json& updates) {
    view.update(updates);
    static_cast<void>(view.tls());
    static_cast<void>(view.has_bridge("br-int"));
    static_cast<void>(view.place_of("port"));
    for (const auto* interface : view.plugged("id"))
        promise(interface->id("iface-id") == "id", "it is that one");
}

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge::fuzz;
    if (text.empty()) return;
    const auto stream = text.substr(1);
    const auto whole = split(stream, stream.size() + 1);
    const auto pieces = split(stream, static_cast<unsigned char>(text[0]) + 1U);
    promise(pieces.refused == whole.refused, "a stream is the same however it arrives");
    promise(whole.refused || pieces.texts == whole.texts, "messages are the same however they arrive");
    lodge::network::Replica replica;
    lodge::agent::OvsView view;
    for (const auto& each : pieces.texts) {
        auto message = json::parse(each, nullptr, false);
        if (!message.is_object()) continue;
        check_results(message);
        if (auto updates = message.find("params"); updates != message.end()) {
            check_replica(replica, *updates);
            check_view(view, *updates);
        }
    }
}
