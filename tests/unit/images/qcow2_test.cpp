// The qcow2 header reader over crafted bytes: one field wrong at a time, then anything at all.
#include "api/images/qcow2.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "proto/base/random.h"
#include "tests/unit/images/qcow2_bytes.h"

namespace lodge::images {
namespace {

using ::testing::HasSubstr;
constexpr std::uint64_t tib = std::uint64_t{1} << 40;

Status judge(const std::string& bytes, std::uint64_t limit = 16 * tib) {
    auto header = read_qcow2_header(bytes);
    if (!header) return tl::unexpected<Error>(header.error());
    return check_qcow2_importable(*header, bytes.size(), limit);
}

TEST(Qcow2Header, ReadsBothVersions) {
    for (std::uint32_t version : {2U, 3U}) {
        auto header = read_qcow2_header(Qcow2Bytes(version).bytes());
        ASSERT_TRUE(header) << header.error().message;
        EXPECT_EQ(header->version, version);
        EXPECT_EQ(header->cluster_bits, 16U);
        EXPECT_EQ(header->virtual_size_bytes, 64U << 20);
        EXPECT_EQ(header->l1_entries, 1U);
        EXPECT_EQ(header->l1_table_offset, 3U * 65536);
        EXPECT_EQ(header->header_length_bytes, version == 2 ? 72U : 104U);
        EXPECT_TRUE(judge(Qcow2Bytes(version).bytes()));
    }
}

TEST(Qcow2Header, WalksHarmlessExtensions) {
    Qcow2Bytes file;
    auto next = file.extension(104, 0xe2792aca, "raw");  // backing format, without a backing file
    next = file.extension(next, 0x6803f857, std::string(48 * 8, 'n'));  // feature names
    file.extension(next, 0x23852875, std::string(24, 'b'));             // bitmaps
    EXPECT_TRUE(judge(file.bytes()));
}

struct BadCase {
    const char* name;
    std::function<void(Qcow2Bytes&)> spoil;
    const char* says;
};

TEST(Qcow2Header, RefusesDamage) {
    const std::vector<BadCase> cases = {
        {"magic", [](auto& f) { f.u32(0, 0x514649fc); }, "not a qcow2 image"},
        {"version 0", [](auto& f) { f.u32(4, 0); }, "version 0"},
        {"version 1", [](auto& f) { f.u32(4, 1); }, "version 1"},
        {"version 4", [](auto& f) { f.u32(4, 4); }, "version 4"},
        {"tiny clusters", [](auto& f) { f.u32(20, 8); }, "clusters of 2^8"},
        {"huge clusters", [](auto& f) { f.u32(20, 22); }, "clusters of 2^22"},
        {"absurd clusters", [](auto& f) { f.u32(20, 0xffffffff); }, "clusters of 2^"},
        {"many snapshots", [](auto& f) { f.u32(60, 65537); }, "65537 snapshots"},
        {"huge L1", [](auto& f) { f.u32(36, 0x400001); }, "entries in the L1 table"},
        {"short L1", [](auto& f) { f.u64(24, tib); }, "too small for a disk"},
        {"size of 2^64-1", [](auto& f) { f.u64(24, ~0ULL); }, "too small for a disk"},
        {"no L1", [](auto& f) { f.u64(40, 0); }, "L1 table lies at 0"},
        {"crooked L1", [](auto& f) { f.u64(40, 65537); }, "L1 table lies at 65537"},
        {"no refcounts", [](auto& f) { f.u64(48, 0); }, "refcount table lies at 0"},
        {"crooked refcounts", [](auto& f) { f.u64(48, 512); }, "refcount table lies at 512"},
        {"empty refcounts", [](auto& f) { f.u32(56, 0); }, "0 clusters in the refcount table"},
        {"huge refcounts", [](auto& f) { f.u32(56, 129); }, "129 clusters in the refcount table"},
        {"unknown feature", [](auto& f) { f.u64(72, 1 << 5); }, "unknown features 0x20"},
        {"last feature", [](auto& f) { f.u64(72, 1ULL << 63); }, "unknown features"},
        {"refcount order", [](auto& f) { f.u32(96, 7); }, "refcounts of 2^7"},
        {"short header", [](auto& f) { f.u32(100, 96); }, "length is given as 96"},
        {"crooked header", [](auto& f) { f.u32(100, 107); }, "length is given as 107"},
        {"long header", [](auto& f) { f.u32(100, 65544); }, "length is given as 65544"},
        {"compression without its bit", [](auto& f) { f.u32(100, 112).u32(104, 0x01000000); }, "compression"},
        {"compression bit without one", [](auto& f) { f.u32(100, 112).u64(72, 1 << 3); }, "compression"},
        {"unknown compression", [](auto& f) { f.u32(100, 112).u64(72, 8).u32(104, 0x02000000); },
         "compression"},
        {"backing name inside header", [](auto& f) { f.u64(8, 16).u32(16, 4); },
         "backing file's name lies at 16"},
        {"backing name beyond cluster", [](auto& f) { f.u64(8, 65535).u32(16, 4); }, "lies at 65535"},
        {"endless backing name", [](auto& f) { f.u64(8, 200).u32(16, 1024); }, "name of 1024 bytes"},
        {"endless extension", [](auto& f) { f.u32(104, 7).u32(108, 0xffffffff); },
         "an extension of 4294967295"},
    };
    for (const auto& test : cases) {
        Qcow2Bytes file;
        test.spoil(file);
        auto header = read_qcow2_header(file.bytes());
        ASSERT_FALSE(header) << test.name;
        EXPECT_EQ(header.error().code, ErrorCode::invalid_input) << test.name;
        EXPECT_THAT(header.error().message, HasSubstr(test.says)) << test.name;
    }
}

TEST(Qcow2Header, RefusesWhatMustNotBeImported) {
    const std::vector<BadCase> cases = {
        {"backing", [](auto& f) { f.u64(8, 1024).u32(16, 11); }, "backing file"},
        {"backing without a name", [](auto& f) { f.u64(8, 1024); }, "backing file"},
        {"data file bit", [](auto& f) { f.u64(72, 1 << 2); }, "data in another file"},
        {"data file name alone", [](auto& f) { f.extension(104, 0x44415441, "/etc/shadow"); },
         "another file"},
        {"AES", [](auto& f) { f.u32(32, 1); }, "encrypted"},
        {"LUKS", [](auto& f) { f.u32(32, 2); }, "encrypted"},
        {"corrupt", [](auto& f) { f.u64(72, 1 << 1); }, "corrupt"},
        {"dirty", [](auto& f) { f.u64(72, 1 << 0); }, "not closed by its writer"},
        {"empty disk", [](auto& f) { f.u64(24, 0); }, "size of 0"},
        {"L1 beyond the end", [](auto& f) { f.u64(40, 1 << 30); }, "cut short"},
        {"L1 far beyond", [](auto& f) { f.u64(40, ~0ULL << 16); }, "cut short"},
        {"refcounts beyond the end", [](auto& f) { f.u64(48, 1 << 30); }, "cut short"},
    };
    for (const auto& test : cases) {
        Qcow2Bytes file;
        test.spoil(file);
        ASSERT_TRUE(read_qcow2_header(file.bytes())) << test.name;
        auto outcome = judge(file.bytes());
        ASSERT_FALSE(outcome) << test.name;
        EXPECT_THAT(outcome.error().message, HasSubstr(test.says)) << test.name;
    }
    EXPECT_TRUE(judge(Qcow2Bytes().bytes(), 64 << 20));
    EXPECT_THAT(judge(Qcow2Bytes().bytes(), (64 << 20) - 1).error().message, HasSubstr("over the limit"));
}

// A data file named after 64 KiB of padding, out of the reader's sight, in a file with 2 MiB clusters.
TEST(Qcow2Header, RefusesExtensionsThatGoOnOutOfSight) {
    Qcow2Bytes file;
    file.u32(20, 21).u64(40, 3U << 21).u64(48, 1U << 21);
    file.extension(104, 0x12345678, std::string(65536 - 104 - 8, 'p'));
    auto header = read_qcow2_header(file.bytes());
    ASSERT_FALSE(header);
    EXPECT_THAT(header.error().message, HasSubstr("extensions reach over"));
}

TEST(Qcow2Header, TakesAnyLength) {
    for (std::uint32_t version : {2U, 3U}) {
        Qcow2Bytes file(version);
        std::string head = file.bytes().substr(0, 600);
        for (std::size_t length = 0; length < head.size(); ++length)
            EXPECT_FALSE(judge(head.substr(0, length)))
                << "version " << version << ", " << length << " bytes";
    }
}

// Neither crashes nor reads outside (the sanitizers watch), whatever the bytes; and what it lets through
// obeys the rules that matter.
TEST(Qcow2Header, SurvivesMutations) {
    SeededRandom random(20261123);
    const std::string sound[] = {Qcow2Bytes(2).bytes().substr(0, 4096),
                                 Qcow2Bytes(3).bytes().substr(0, 4096)};
    for (int round = 0; round < 200'000; ++round) {
        std::string bytes = sound[round % 2];
        for (std::uint64_t hits = random.next_u64() % 6; hits-- > 0;) {
            auto at = random.next_u64() % (round % 3 ? 128 : bytes.size());
            bytes[at] = static_cast<char>(random.next_u64());
        }
        if (random.next_u64() % 8 == 0) bytes.resize(random.next_u64() % bytes.size());
        auto header = read_qcow2_header(bytes);
        if (!header || !check_qcow2_importable(*header, 4 * 65536, 16 * tib)) continue;
        ASSERT_FALSE(header->names_backing_file || header->names_data_file || header->corrupt);
        ASSERT_LE(header->l1_entries, 4U << 20);
        ASSERT_LE(header->virtual_size_bytes, 16 * tib);
    }
}

}  // namespace
}  // namespace lodge::images
