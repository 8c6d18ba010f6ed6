// The probe over real images that qemu-img made, and over programs that only pretend to be qemu-img.
#include "api/images/probe.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "api/images/descriptor.h"
#include "tests/unit/images/qcow2_bytes.h"
#include "tests/unit/images/scratch.h"

namespace lodge::images {
namespace {

using ::testing::HasSubstr;
constexpr std::uint64_t limit = std::uint64_t{16} << 40;

class Probe : public Scratch {
  protected:
    Result<DiskFacts> probe(const std::string& name, std::string_view format,
                            const ProbeOptions& options = {}) {
        ::chmod(path(name).c_str(), 0644);
        Descriptor file(::open(path(name).c_str(), O_RDONLY | O_CLOEXEC));
        EXPECT_TRUE(file.open()) << name << "\n" << read("command.log");
        return probe_disk(file.get(), format, options);
    }

    std::string refusal(const std::string& name, std::string_view format, const ProbeOptions& options = {}) {
        auto facts = probe(name, format, options);
        return facts ? "accepted" : facts.error().message;
    }
};

class ProbeReal : public Probe {
  protected:
    void SetUp() override {
        LODGE_NEEDS_QEMU_IMG();
        Probe::SetUp();
        ASSERT_TRUE(run("head -c 3000000 /dev/urandom > content.raw && truncate -s 64M content.raw"));
    }
};

TEST_F(ProbeReal, TakesGoodImages) {
    const std::pair<const char*, const char*> kinds[] = {
        {"v3", ""},
        {"v2", "-o compat=0.10"},
        {"zstd", "-c -o compression_type=zstd"},
        {"zlib", "-c"},
        {"small-clusters", "-o cluster_size=512"},
        {"large-clusters", "-o cluster_size=2M"},
        {"extended", "-o extended_l2=on,cluster_size=128k"},
        {"lazy", "-o lazy_refcounts=on"},
        {"narrow", "-o refcount_bits=1"},
    };
    for (auto [name, how] : kinds) {
        ASSERT_TRUE(run(std::string("qemu-img convert -f raw -O qcow2 ") + how + " content.raw " + name))
            << read("command.log");
        auto facts = probe(name, "qcow2");
        ASSERT_TRUE(facts) << name << ": " << facts.error().message;
        EXPECT_EQ(facts->virtual_size_bytes, 64 << 20) << name;
    }
}

TEST_F(ProbeReal, TakesSnapshotsInside) {
    ASSERT_TRUE(run("qemu-img convert -f raw -O qcow2 content.raw a && qemu-img snapshot -c before a"));
    EXPECT_TRUE(probe("a", "qcow2"));
}

TEST_F(ProbeReal, TakesRaw) {
    auto facts = probe("content.raw", "raw");
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->virtual_size_bytes, 64 << 20);
    write("crooked.raw", std::string(1000, 'x'));
    facts = probe("crooked.raw", "raw");
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->virtual_size_bytes, 1024);  // whole sectors
}

TEST_F(ProbeReal, RefusesBackingFiles) {
    ASSERT_TRUE(
        run("qemu-img create -f raw base 64M && qemu-img create -f qcow2 -b base -F raw a &&"
            "qemu-img create -f qcow2 -o compat=0.10 -b /etc/shadow -F raw -u b 64M"));
    EXPECT_THAT(refusal("a", "qcow2"), HasSubstr("backing file"));
    EXPECT_THAT(refusal("b", "qcow2"), HasSubstr("backing file"));
}

TEST_F(ProbeReal, RefusesDataFiles) {
    ASSERT_TRUE(run("qemu-img create -f qcow2 -o data_file=other.raw a 64M"));
    ASSERT_TRUE(run("qemu-img create -f qcow2 -o data_file=other2.raw,data_file_raw=on b 64M"));
    EXPECT_THAT(refusal("a", "qcow2"), HasSubstr("another file"));
    EXPECT_THAT(refusal("b", "qcow2"), HasSubstr("another file"));
}

TEST_F(ProbeReal, RefusesEncryption) {
    const std::string create = "qemu-img create -f qcow2 --object secret,id=s,data=abcdefgh12345678 -o ";
    ASSERT_TRUE(run(create + "encrypt.format=aes,encrypt.key-secret=s aes 8M")) << read("command.log");
    EXPECT_THAT(refusal("aes", "qcow2"), HasSubstr("encrypted"));
    // LUKS measures the machine's speed, which a busy machine may fail.
    if (!run(create + "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=100 luks 8M"))
        GTEST_SKIP() << "qemu-img could not make a LUKS image: " << read("command.log");
    EXPECT_THAT(refusal("luks", "qcow2"), HasSubstr("encrypted"));
}

TEST_F(ProbeReal, RefusesWhatIsCutShort) {
    ASSERT_TRUE(
        run("qemu-img convert -f raw -O qcow2 content.raw a && cp a b && truncate -s 1500000 a && "
            "truncate -s 100000 b"));
    EXPECT_THAT(refusal("a", "qcow2"), HasSubstr("cut short"));
    EXPECT_THAT(refusal("b", "qcow2"), HasSubstr("cut short"));
}

TEST_F(ProbeReal, RefusesDamage) {
    ASSERT_TRUE(
        run("qemu-img convert -f raw -O qcow2 content.raw a && "
            "printf '\\377\\377\\377\\377\\377\\377\\377\\377' | dd of=a bs=1 seek=196608 conv=notrunc"));
    EXPECT_THAT(refusal("a", "qcow2"), ::testing::AnyOf(HasSubstr("damaged"), HasSubstr("cannot read")));
}

TEST_F(ProbeReal, RefusesOtherFormats) {
    ASSERT_TRUE(
        run("for f in vmdk vhdx vdi vpc qcow qed; do qemu-img convert -f raw -O $f content.raw a.$f; done"));
    for (std::string format : {"vmdk", "vhdx", "vdi", "vpc", "qcow", "qed"}) {
        EXPECT_THAT(refusal("a." + format, "qcow2"), HasSubstr(format)) << format;
        EXPECT_THAT(refusal("a." + format, "raw"), HasSubstr("convert it first")) << format;
    }
    ASSERT_TRUE(run("qemu-img convert -f raw -O qcow2 content.raw a"));
    EXPECT_THAT(refusal("a", "raw"), HasSubstr("say --format qcow2"));
    EXPECT_THAT(refusal("content.raw", "qcow2"), HasSubstr("say --format raw"));
    EXPECT_THAT(refusal("a", "qed"), HasSubstr("'qed' is not known"));
}

TEST_F(ProbeReal, RefusesLargeDisks) {
    ASSERT_TRUE(run("qemu-img create -f qcow2 a 17T; qemu-img create -f qcow2 b 16T; truncate -s 2M c.raw"));
    EXPECT_THAT(refusal("a", "qcow2"), HasSubstr("over the limit"));
    EXPECT_EQ(refusal("b", "qcow2"), "accepted");
    EXPECT_THAT(refusal("c.raw", "raw", {.max_virtual_size_bytes = 1 << 20}), HasSubstr("over the limit"));
}

TEST_F(ProbeReal, RefusesNothing) {
    write("empty", "");
    EXPECT_THAT(refusal("empty", "raw"), HasSubstr("empty"));
    EXPECT_THAT(refusal("empty", "qcow2"), HasSubstr("empty"));
}

// A header of our own making that QEMU must not get to see with its data file: qemu-img is never started.
TEST_F(Probe, JudgesTheHeaderBeforeQemu) {
    Qcow2Bytes file;
    file.u64(72, 1 << 2).extension(104, 0x44415441, "json:{\"driver\":\"nbd\",\"host\":\"203.0.113.1\"}");
    write("hostile", file.bytes());
    EXPECT_THAT(refusal("hostile", "qcow2", {.program = "/nonexistent"}), HasSubstr("another file"));
}

TEST_F(Probe, StopsAProgramThatSpins) {
    write("a.raw", std::string(4096, 'x'));
    ProbeOptions options{.program = script("spin", "while :; do :; done")};
    options.limits.cpu_s = 1;
    EXPECT_THAT(refusal("a.raw", "raw", options), HasSubstr("too much CPU time"));
}

TEST_F(Probe, MistrustsTheProgramsAnswer) {
    write("a.raw", std::string(4096, 'x'));
    EXPECT_THAT(refusal("a.raw", "raw", {.program = script("fake", "echo hello")}), HasSubstr("not JSON"));
    EXPECT_THAT(refusal("a.raw", "raw", {.program = script("fake", "echo why >&2; exit 1")}),
                HasSubstr("why"));
    write("b.qcow2", Qcow2Bytes().bytes());
    auto liar = script("liar", "echo '{\"format\":\"qcow2\",\"virtual-size\":512}'");
    EXPECT_THAT(refusal("b.qcow2", "qcow2", {.program = liar}), HasSubstr("differ"));
}

TEST(ImageInfo, IsJudged) {
    auto message = [](const char* json) {
        auto facts = read_image_info(json, "qcow2", limit);
        return facts ? std::to_string(facts->virtual_size_bytes) : facts.error().message;
    };
    EXPECT_EQ(message(R"({"format":"qcow2","virtual-size":1024})"), "1024");
    EXPECT_THAT(message(""), HasSubstr("not JSON"));
    EXPECT_THAT(message("[]"), HasSubstr("not JSON"));
    EXPECT_THAT(message("{"), HasSubstr("not JSON"));
    EXPECT_THAT(message("{}"), HasSubstr("another format"));
    EXPECT_THAT(message(R"({"format":7})"), HasSubstr("another format"));
    EXPECT_THAT(message(R"({"format":"raw","virtual-size":1024})"), HasSubstr("another format"));
    EXPECT_THAT(message(R"({"format":"qcow2"})"), HasSubstr("no size"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":"1024"})"), HasSubstr("no size"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":-1})"), HasSubstr("no size"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":0})"), HasSubstr("size of 0"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":18446744073709551615})"),
                HasSubstr("over the limit"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":1,"backing-filename":"x"})"),
                HasSubstr("backing"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":1,"encrypted":true})"), HasSubstr("encrypted"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":1,"dirty-flag":true})"), HasSubstr("not closed"));
    EXPECT_THAT(
        message(R"({"format":"qcow2","virtual-size":1,"format-specific":{"data":{"data-file":"x"}}})"),
        HasSubstr("another file"));
    EXPECT_THAT(message(R"({"format":"qcow2","virtual-size":1,"format-specific":{"data":{"corrupt":true}}})"),
                HasSubstr("corrupt"));
    EXPECT_EQ(message(R"({"format":"qcow2","virtual-size":1,"format-specific":{"data":[]}})"), "1");
    EXPECT_THAT(message(std::string(200'000, '[').c_str()), HasSubstr("not JSON"));
}

}  // namespace
}  // namespace lodge::images
