// A server of an Open vSwitch database, in a socket of a test's folder: answers the monitor with what the
// test puts in, and keeps the rows that transactions of our own kinds make.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "proto/ovsdb/splitter.h"

namespace lodge::agent {

// One thread of its own; one client at a time.
class ScriptedOvsdb {
  public:
    using Json = nlohmann::json;

    explicit ScriptedOvsdb(std::string path) : path_(std::move(path)) {
        rows_["Open_vSwitch"]["root"] = {{"cur_cfg", 0},
                                         {"external_ids", Json::array({"map", Json::array()})},
                                         {"ssl", Json::array({"set", Json::array()})}};
        rows_["Bridge"]["bridge"] = {{"name", "br-int"}, {"ports", Json::array({"set", Json::array()})}};
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        EXPECT_EQ(::listen(listener_, 4), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~ScriptedOvsdb() {
        stopping_ = true;
        thread_.join();
        ::close(listener_);
    }

    std::string remote() const { return "unix:" + path_; }

    // Puts a row there; a null one goes.
    void put(const std::string& table, const std::string& uuid, const Json& row) {
        std::lock_guard lock(mutex_);
        store(table, uuid, row);
        send_changes();
    }
    // A tap of libvirt's, as its interface and port.
    void plug(const std::string& name, const Json& external_ids, const std::string& error = "") {
        Json pairs = Json::array();
        for (const auto& [key, value] : external_ids.items()) pairs.push_back(Json::array({key, value}));
        std::lock_guard lock(mutex_);
        store("Interface", "if-" + name,
              {{"name", name},
               {"external_ids", Json::array({"map", pairs})},
               {"error", error.empty() ? Json::array({"set", Json::array()}) : Json(error)}});
        store("Port", "port-" + name, {{"name", name}});
        Json bridge = rows_["Bridge"]["bridge"];
        bridge["ports"][1].push_back(Json::array({"uuid", "port-" + name}));
        store("Bridge", "bridge", bridge);
        send_changes();
    }
    void unplug_all() {
        std::lock_guard lock(mutex_);
        store("Bridge", "bridge", {{"name", "br-int"}, {"ports", Json::array({"set", Json::array()})}});
        sweep();
        send_changes();
    }
    Json row(const std::string& table, const std::string& uuid) {
        std::lock_guard lock(mutex_);
        return rows_[table][uuid];
    }
    // The interfaces' names, with their external_ids as an object.
    Json interfaces() {
        std::lock_guard lock(mutex_);
        Json found = Json::object();
        for (const auto& [uuid, row] : rows_["Interface"]) {
            Json ids = Json::object();
            for (const auto& pair : row["external_ids"][1]) ids[pair[0].get<std::string>()] = pair[1];
            found[row["name"].get<std::string>()] = ids;
        }
        return found;
    }
    // The row of the interface of that name; empty if there is none.
    std::string uuid_of(const std::string& name) {
        std::lock_guard lock(mutex_);
        for (const auto& [uuid, row] : rows_["Interface"])
            if (row["name"] == name) return uuid;
        return "";
    }
    Json root_ids() {
        std::lock_guard lock(mutex_);
        Json ids = Json::object();
        for (const auto& pair : rows_["Open_vSwitch"]["root"]["external_ids"][1])
            ids[pair[0].get<std::string>()] = pair[1];
        return ids;
    }
    std::size_t transactions() {
        std::lock_guard lock(mutex_);
        return transactions_;
    }
    void hang_up() { hang_up_ = true; }
    void set_silent(bool silent) { silent_ = silent; }

  private:
    void serve() {
        while (!stopping_) {
            if (!readable(listener_)) continue;
            {
                std::lock_guard lock(mutex_);
                connection_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            }
            converse();
            std::lock_guard lock(mutex_);
            ::close(connection_);
            connection_ = -1;
            hang_up_ = false;
        }
    }
    static bool readable(int descriptor) {
        pollfd waiting{descriptor, POLLIN, 0};
        return ::poll(&waiting, 1, 10) > 0;
    }
    void converse() {
        ovsdb::Splitter splitter;
        while (!stopping_ && !hang_up_) {
            if (!readable(connection_)) continue;
            char buffer[4096];
            const auto got = ::recv(connection_, buffer, sizeof(buffer), 0);
            if (got <= 0) return;
            const auto texts = splitter.feed({buffer, static_cast<std::size_t>(got)});
            for (const auto& text : *texts)
                if (!silent_) answer(Json::parse(text));
        }
    }
    void send(const Json& message) {
        const std::string text = message.dump();
        [[maybe_unused]] auto sent = ::send(connection_, text.data(), text.size(), MSG_NOSIGNAL);
    }
    void answer(const Json& request) {
        std::lock_guard lock(mutex_);
        Json result = Json::array();
        if (request["method"] == "monitor") {
            result = Json::object();
            for (const auto& [table, rows] : rows_)
                for (const auto& [uuid, row] : rows) result[table][uuid]["new"] = row;
            changes_ = Json::object();
        } else if (request["method"] == "transact") {
            ++transactions_;
            std::map<std::string, std::string> named;
            for (std::size_t i = 1; i < request["params"].size(); ++i)
                result.push_back(operate(request["params"][i], named));
            sweep();
            send_changes();
        }
        send({{"id", request["id"]}, {"result", result}, {"error", nullptr}});
    }
    Json operate(const Json& operation, std::map<std::string, std::string>& named) {
        const std::string table = operation["table"];
        if (operation["op"] == "insert") {
            const std::string uuid = "made-" + std::to_string(++made_);
            named[operation["uuid-name"]] = uuid;
            store(table, uuid, resolve(operation["row"], named));
            return {{"uuid", Json::array({"uuid", uuid})}};
        }
        if (operation["op"] == "select") return {{"rows", Json::array({{{"next_cfg", next_cfg_}}})}};
        if (operation.contains("mutations") && operation["mutations"][0][0] == "next_cfg") {
            Json root = rows_[table]["root"];
            root["cur_cfg"] = ++next_cfg_;
            store(table, "root", root);
            return {{"count", 1}};
        }
        int count = 0;
        for (const auto& [uuid, row] : std::map(rows_[table])) {
            const Json& where = operation["where"][0];
            const bool matches = where[0] == "_uuid" ? where[2][1] == uuid : row[where[0]] == where[2];
            if (!matches) continue;
            Json changed = row;
            if (operation["op"] == "update") changed.update(resolve(operation["row"], named));
            if (operation["op"] == "mutate")
                for (const auto& each : operation["mutations"]) mutate(changed, each, named);
            store(table, uuid, changed);
            ++count;
        }
        return {{"count", count}};
    }
    // {"row": …} with named UUIDs in place.
    static Json resolve(Json row, const std::map<std::string, std::string>& named) {
        for (auto& [column, value] : row.items())
            if (value.is_array() && value[0] == "named-uuid")
                value = Json::array({"uuid", named.at(value[1])});
        return row;
    }
    static void mutate(Json& row, const Json& mutation, const std::map<std::string, std::string>& named) {
        Json& items = row[mutation[0].get<std::string>()][1];
        Json operand = mutation[2];
        if (operand[0] == "named-uuid") operand = Json::array({"uuid", named.at(operand[1])});
        const bool whole = operand[0] == "uuid";
        for (const auto& each : whole ? Json::array({operand}) : operand[1]) {
            for (std::size_t i = items.size(); i-- > 0;)
                if (items[i] == each || items[i][0] == each) items.erase(i);
            if (mutation[1] == "insert") items.push_back(each);
        }
    }
    // As an OVSDB server does: what nothing refers to any more is gone.
    void sweep() {
        const std::string ports = rows_["Bridge"].empty() ? "" : rows_["Bridge"]["bridge"]["ports"].dump();
        for (const auto& [uuid, row] : std::map(rows_["Port"])) {
            if (ports.find('"' + uuid + '"') != std::string::npos) continue;
            store("Port", uuid, nullptr);
            for (const auto& [id, interface] : std::map(rows_["Interface"]))
                if (interface["name"] == row["name"]) store("Interface", id, nullptr);
        }
    }
    void store(const std::string& table, const std::string& uuid, const Json& row) {
        Json& change = changes_[table][uuid];
        if (change.is_null()) change = Json::object();
        if (rows_[table].contains(uuid)) change["old"] = rows_[table][uuid];
        if (row.is_null()) {
            rows_[table].erase(uuid);
            change.erase("new");
        } else {
            change["new"] = rows_[table][uuid] = row;
        }
    }
    void send_changes() {
        if (connection_ >= 0 && !changes_.empty())
            send({{"id", nullptr}, {"method", "update"}, {"params", Json::array({"lodge", changes_})}});
        changes_ = Json::object();
    }

    const std::string path_;
    int listener_ = -1;
    int connection_ = -1;
    std::mutex mutex_;
    std::map<std::string, std::map<std::string, Json>> rows_;
    Json changes_ = Json::object();
    std::size_t transactions_ = 0;
    int made_ = 0;
    int next_cfg_ = 0;  // ovs-vswitchd follows at once
    std::atomic<bool> stopping_{false};
    std::atomic<bool> hang_up_{false};
    std::atomic<bool> silent_{false};
    std::thread thread_;
};

}  // namespace lodge::agent
