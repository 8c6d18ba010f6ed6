// Disks in other formats by the real qemu-img, within its limits; and images of other hypervisors that are
// not what they should be.
#include "api/images/convert.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "api/images/descriptor.h"
#include "api/images/folder.h"
#include "api/images/foreign.h"
#include "api/images/probe.h"
#include "tests/unit/images/scratch.h"

namespace lodge::images {
namespace {

using ::testing::HasSubstr;

class Convert : public Scratch {
  protected:
    void SetUp() override {
        LODGE_NEEDS_QEMU_IMG();
        Scratch::SetUp();
        options_.most_bytes = 256 << 20;
        ASSERT_TRUE(run("head -c 3000000 /dev/urandom >raw && truncate -s 40M raw"));
    }

    Descriptor open_part(const std::string& name) const {
        ::chmod(path(name).c_str(), 0644);
        Descriptor file(::open(path(name).c_str(), O_RDONLY | O_CLOEXEC));
        EXPECT_TRUE(file.open()) << name << "\n" << read("command.log");
        return file;
    }

    Status convert(const std::vector<std::pair<std::string, std::string>>& parts, const std::string& format) {
        std::vector<Descriptor> files;
        std::vector<ConvertPart> given;
        for (const auto& [name, part_format] : parts) {
            files.push_back(open_part(name));
            given.push_back({files.back().get(), part_format});
        }
        const Descriptor target(::open(path("target").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        return convert_disk(given, target.get(), format, options_);
    }

    bool target_is_like(const std::string& raw, const std::string& format) const {
        return run("qemu-img compare -f " + format + " -F raw target " + raw);
    }

    std::string refusal(const std::string& name, const std::string& format) const {
        auto file = open_part(name);
        auto facts = probe_disk(file.get(), format);
        return facts ? "accepted" : facts.error().message;
    }

    ConvertOptions options_;
};

TEST_F(Convert, EveryFormatIntoALayer) {
    for (const char* format : {"vmdk", "vpc", "vhdx", "vdi", "qcow2"}) {
        const std::string how = format == std::string("vpc") ? "-o force_size=on " : "";
        ASSERT_TRUE(run("qemu-img convert -f raw -O " + std::string(format) + " " + how + "raw image"));
        EXPECT_EQ(refusal("image", format), "accepted");
        std::int64_t told = 0;
        options_.progress = [&](std::int64_t per_cent) { told = per_cent; };
        const auto done = convert({{"image", format}}, "qcow2");
        ASSERT_TRUE(done) << format << ": " << done.error().message;
        EXPECT_TRUE(target_is_like("raw", "qcow2")) << format;
        EXPECT_EQ(told, 100);
    }
}

TEST_F(Convert, OtherKindsOfVmdkAndVhd) {
    for (const char* how : {"vmdk -o subformat=streamOptimized", "vpc -o subformat=fixed,force_size=on"}) {
        ASSERT_TRUE(run(std::string("qemu-img convert -f raw -O ") + how + " raw image"));
        const auto format = std::string(how).substr(0, std::string(how).find(' '));
        EXPECT_EQ(refusal("image", format), "accepted");
        ASSERT_TRUE(convert({{"image", format}}, "qcow2")) << how;
        EXPECT_TRUE(target_is_like("raw", "qcow2")) << how;
    }
}

TEST_F(Convert, AChainOfLayersIntoOneFile) {
    ASSERT_TRUE(
        run("cp raw whole && qemu-img create -q -f qcow2 -F raw -b raw one && "
            "qemu-io -f qcow2 -c 'write -P 7 1M 2M' one && qemu-img create -q -f qcow2 -F qcow2 -b one two "
            "44M && "
            "qemu-io -f qcow2 -c 'write -P 9 2M 1M' -c 'write -P 3 41M 1M' two && qemu-img convert -O raw "
            "two whole && "
            "qemu-img rebase -q -u -b '' one && qemu-img rebase -q -u -b '' two"));
    for (const char* format :
         {"raw", "vmdk,subformat=streamOptimized", "vpc,subformat=dynamic,force_size=on"}) {
        const auto done = convert({{"raw", "raw"}, {"one", "qcow2"}, {"two", "qcow2"}}, format);
        ASSERT_TRUE(done) << format << ": " << done.error().message;
        EXPECT_TRUE(target_is_like("whole", std::string(format).substr(0, std::string(format).find(','))))
            << format;
    }
}

TEST_F(Convert, NoFileThatAHeaderNamesIsOpened) {
    ASSERT_TRUE(run("qemu-img create -q -f qcow2 -F raw -b '" + path("raw") + "' image && chmod 644 raw"));
    ASSERT_TRUE(convert({{"image", "qcow2"}}, "raw"));
    EXPECT_TRUE(run("cmp -n 41943040 target /dev/zero"));
}

TEST_F(Convert, ItStopsAtItsLimitsAndWhenTold) {
    options_.most_bytes = 1 << 20;
    const auto large = convert({{"raw", "raw"}}, "qcow2");
    ASSERT_FALSE(large);
    EXPECT_THAT(large.error().message, HasSubstr("large"));
    options_.most_bytes = 256 << 20;
    options_.program = script("slow", "sleep 30");
    options_.cancelled = [] { return true; };
    const auto told = convert({{"raw", "raw"}}, "qcow2");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, ErrorCode::io_failure);
}

TEST_F(Convert, TheTargetIsTheCallersAgainAndNothingElseCanBeWritten) {
    ASSERT_TRUE(run("chmod 777 . && touch other && chmod 666 other"));
    options_.program = script("writer", "echo x >/proc/self/fd/4 && ! echo y >>'" + path("other") + "'");
    ASSERT_TRUE(convert({{"raw", "raw"}}, "qcow2"));
    EXPECT_EQ(read("target"), "x\n");
    struct stat found {};
    ASSERT_EQ(::stat(path("target").c_str(), &found), 0);
    EXPECT_EQ(found.st_uid, ::geteuid());
}

TEST_F(Convert, ForeignImagesThatRestOnOthers) {
    ASSERT_TRUE(run("qemu-img convert -f raw -O vmdk -o subformat=twoGbMaxExtentSparse raw split.vmdk"));
    EXPECT_THAT(refusal("split.vmdk", "vmdk"), HasSubstr("not one file"));
    ASSERT_TRUE(
        run("qemu-img convert -f raw -O vmdk raw base.vmdk && "
            "qemu-img create -q -f vmdk -F vmdk -b base.vmdk child.vmdk"));
    EXPECT_THAT(refusal("child.vmdk", "vmdk"), HasSubstr("parent"));
    ASSERT_TRUE(
        run("cp base.vmdk lying.vmdk && dd if=/dev/zero of=lying.vmdk bs=1 seek=12 count=8 conv=notrunc"));
    EXPECT_THAT(refusal("lying.vmdk", "vmdk"), HasSubstr("names other files"));
    ASSERT_TRUE(run(
        "qemu-img convert -f raw -O vpc raw a.vhd && cp a.vhd b.vhd && "
        "printf '\\000\\000\\000\\004' | dd of=b.vhd bs=1 seek=$(($(stat -c %s b.vhd)-452)) conv=notrunc"));
    EXPECT_THAT(refusal("b.vhd", "vpc"), HasSubstr("neither"));
}

TEST_F(Convert, ForeignImagesThatAreCutShortOrOfAnotherFormat) {
    ASSERT_TRUE(
        run("for f in vmdk vpc vhdx vdi; do qemu-img convert -f raw -O $f raw $f; "
            "head -c 2000000 $f >$f.short; done"));
    for (const std::string format : {"vmdk", "vpc", "vhdx", "vdi"}) {
        EXPECT_NE(refusal(format + ".short", format), "accepted") << format;
        EXPECT_NE(refusal("raw", format), "accepted") << format;
        EXPECT_NE(refusal(format == "vdi" ? "vmdk" : "vdi", format), "accepted") << format;
    }
    EXPECT_FALSE(check_foreign("vmdk", "KDMV", "", 4));
    EXPECT_FALSE(check_foreign("vpc", "", "", 0));
}

// A fixed VHD is a raw disk with a footer: what is said of raw ones holds for it.
TEST_F(Convert, AFixedVhdThatBeginsAsAnotherImageIsRefused) {
    ASSERT_TRUE(run("qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on raw fixed"));
    EXPECT_EQ(refusal("fixed", "vpc"), "accepted");
    ASSERT_TRUE(
        run("qemu-img create -q -f qcow2 head 1M && dd if=head of=fixed conv=notrunc bs=512 count=1"));
    EXPECT_THAT(refusal("fixed", "vpc"), HasSubstr("is qcow2, not vpc"));
}

TEST_F(Convert, WhatAnotherProgramWroteIsTakenIn) {
    std::filesystem::create_directory(dir_ / "images");
    auto folder = ImageFolder::open(dir_ / "images");
    ASSERT_TRUE(folder);
    SeededRandom random(7);
    auto file = folder->receive(random);
    ASSERT_TRUE(file);
    auto source = open_part("raw");
    ASSERT_TRUE(convert_disk({{source.get(), "raw"}}, (*file)->fd(), "qcow2", options_));
    ASSERT_TRUE((*file)->take_in({}));
    ASSERT_TRUE((*file)->finish());
    ASSERT_TRUE(folder->place(**file));
    EXPECT_TRUE(run("test $(sha256sum <images/" + (*file)->sha256() +
                    " | head -c 64) = " + (*file)->sha256() + " && qemu-img compare -f qcow2 -F raw images/" +
                    (*file)->sha256() + " raw"));
}

}  // namespace
}  // namespace lodge::images
