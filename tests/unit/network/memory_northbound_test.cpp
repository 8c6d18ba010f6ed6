#include "scheduler/network/memory_northbound.h"

#include <gtest/gtest.h>

namespace lodge::network {
namespace {

Json where(const std::string& uuid) {
    return Json::array({Json::array({"_uuid", "==", Json::array({"uuid", uuid})})});
}

Json insert(const std::string& table, const std::string& name, const Json& row) {
    return {{"op", "insert"}, {"table", table}, {"uuid-name", name}, {"row", row}};
}

Json mutate(const std::string& table, const Json& which, const std::string& column, const std::string& how,
            const Json& value) {
    return {{"op", "mutate"},
            {"table", table},
            {"where", which},
            {"mutations", Json::array({Json::array({column, how, value})})}};
}

class MemoryNorthboundTest : public ::testing::Test {
  protected:
    // The switch's UUID.
    std::string make_switch() {
        EXPECT_TRUE(northbound.transact(Json::array({insert("Logical_Switch", "new0", {{"name", "a"}})})));
        return rows("Logical_Switch").begin()->first;
    }
    // With a port, as operations() has it: what it is named by comes first.
    Status add_port(const std::string& of, const std::string& name) {
        return northbound.transact(Json::array(
            {mutate("Logical_Switch", where(of), "ports", "insert", Json::array({"named-uuid", "new0"})),
             insert("Logical_Switch_Port", "new0", {{"name", name}})}));
    }
    std::map<std::string, Replica::Columns> rows(const std::string& table) const {
        std::map<std::string, Replica::Columns> found;
        EXPECT_TRUE(northbound_.read([&](const Replica& replica) { found = replica.rows(table); }));
        return found;
    }
    std::string uuid_of(const std::string& table, const std::string& name) const {
        for (const auto& [uuid, columns] : rows(table))
            if (columns.at("name") == name) return uuid;
        return "";
    }
    // As a canonical set.
    Json ports(const std::string& of) const { return rows("Logical_Switch").at(of).at("ports"); }
    Json set_of_ports(const std::vector<std::string>& names) const {
        std::vector<Json> uuids;
        for (const auto& name : names)
            uuids.push_back(Json::array({"uuid", uuid_of("Logical_Switch_Port", name)}));
        return canonical(set_of(uuids));
    }

    SeededRandom random{7};
    mutable MemoryNorthbound northbound_{random};
    MemoryNorthbound& northbound = northbound_;
};

TEST_F(MemoryNorthboundTest, SetsGrowAndShrinkByOne) {
    auto sw = make_switch();
    for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(add_port(sw, name));
    EXPECT_EQ(ports(sw), set_of_ports({"a", "b", "c"}));
    for (const char* name : {"b", "c"})
        ASSERT_TRUE(northbound.transact(
            Json::array({mutate("Logical_Switch", where(sw), "ports", "delete",
                                Json::array({"uuid", uuid_of("Logical_Switch_Port", name)}))})));
    EXPECT_EQ(ports(sw), set_of_ports({"a"}));
    ASSERT_TRUE(northbound.transact(
        Json::array({mutate("Logical_Switch", where(sw), "ports", "delete", set_of_ports({"a"}))})));
    EXPECT_EQ(ports(sw), set_of({}));
    ASSERT_TRUE(add_port(sw, "d"));
    EXPECT_EQ(ports(sw), set_of_ports({"d"}));
}

TEST_F(MemoryNorthboundTest, WhatFailsLeavesNoColumnThatWasNotThere) {
    auto sw = make_switch();
    const auto switches = rows("Logical_Switch");
    auto failed = northbound.transact(Json::array(
        {insert("Logical_Switch_Port", "new0", {{"name", "a"}}),
         mutate("Logical_Switch", where(sw), "ports", "insert", Json::array({"named-uuid", "new0"})),
         mutate("Logical_Switch", where(sw), "ports", "insert", Json::array({"named-uuid", "nobody"}))}));
    EXPECT_FALSE(failed);
    EXPECT_EQ(rows("Logical_Switch"), switches);
}

TEST_F(MemoryNorthboundTest, WhatFailsInTheMiddleLeavesNothing) {
    auto sw = make_switch();
    for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(add_port(sw, name));
    const auto switches = rows("Logical_Switch");
    const auto all_ports = rows("Logical_Switch_Port");
    auto gone = uuid_of("Logical_Switch_Port", "b");
    auto failed = northbound.transact(Json::array(
        {insert("Logical_Switch_Port", "new0", {{"name", "d"}}),
         mutate("Logical_Switch", where(sw), "ports", "insert", Json::array({"named-uuid", "new0"})),
         mutate("Logical_Switch", where(sw), "ports", "delete", Json::array({"uuid", gone})),
         {{"op", "delete"}, {"table", "Logical_Switch_Port"}, {"where", where(gone)}},
         {{"op", "update"}, {"table", "Logical_Switch"}, {"where", where(sw)}, {"row", {{"name", "z"}}}},
         mutate("NB_Global", Json::array(), "nb_cfg", "+=", 1),
         mutate("Logical_Switch", where(sw), "ports", "insert", Json::array({"named-uuid", "nobody"}))}));
    EXPECT_FALSE(failed);
    EXPECT_EQ(rows("Logical_Switch"), switches);
    EXPECT_EQ(rows("Logical_Switch_Port"), all_ports);
    EXPECT_EQ(northbound.followed([](const std::string&) { return true; }), 0);
}

}  // namespace
}  // namespace lodge::network
