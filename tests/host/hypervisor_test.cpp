// LibvirtHypervisor and FileStorage with real guests of the tiny image. Needs root; run it beside a libvirtd:
//     tests/host/libvirtd.py BUILD/tests/host_hypervisor
// Skipped without a libvirtd (LODGE_LIBVIRT_URI, else qemu:///system) or the image (LODGE_IMAGES, else
// /var/tmp/lodge-images; deploy/images/build makes it).
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "agent/domain/domain_xml.h"
#include "agent/hypervisor/libvirt.h"
#include "agent/storage/disk_header.h"
#include "agent/storage/process.h"
#include "tests/host/tiny_guest.h"
#include "tests/unit/agent/file_bytes.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr int boot_timeout_s = 300;  // a boot takes 3 s, if the machine does nothing else
constexpr int reaction_timeout_s = 120;

bool eventually(int seconds, const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

uid_t owner_of(const fs::path& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 ? info.st_uid : static_cast<uid_t>(-1);
}

std::int64_t milliseconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start)
        .count();
}

class HypervisorTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!image_.is_there()) GTEST_SKIP() << "no lodge-tiny in " << image_.folder();
        make_hypervisor();
        if (const auto listed = hypervisor_->list(); !listed) GTEST_SKIP() << listed.error().message;
        ASSERT_EQ(chmod(dir_.path().c_str(), 0711), 0);  // QEMU's user has to pass
        auto storage = image_.open_storage(dir_.path() / "agent");
        ASSERT_TRUE(storage) << storage.error().message;
        storage_ = std::move(*storage);
        spec_ = make_spec();
    }
    void TearDown() override {
        if (!storage_) return;
        fs::remove(hold_);
        EXPECT_TRUE(
            eventually(reaction_timeout_s, [&] { return hypervisor_->destroy(spec_.guest_id).has_value(); }));
        EXPECT_TRUE(hypervisor_->undefine(spec_.guest_id));
        EXPECT_TRUE(hypervisor_->list()->empty());
        if (HasFailure()) std::fprintf(stderr, "--- console\n%s\n---\n", console().c_str());
    }

    // As an agent that was started anew.
    void make_hypervisor() {
        hypervisor_ =
            std::make_unique<LibvirtHypervisor>(LibvirtOptions{libvirt_uri(), Accelerator::automatic, host_});
    }
    // Of two threads of one core.
    GuestSpec make_spec() {
        auto spec = image_.make_spec(*storage_, random_, host_);
        spec.instance_type = "t3.small";
        spec.vcpus = spec.threads_per_core = 2;
        return spec;
    }

    std::string console() { return storage_->console_tail(spec_.instance_id, 65536).value_or("unreadable"); }
    Domain only() {
        const auto domains = hypervisor_->list();
        EXPECT_TRUE(domains) << domains.error().message;
        return domains && domains->size() == 1 ? domains->front() : Domain{{}, {}, DomainState::shut_off, {}};
    }
    bool is(DomainState state) { return only().state == state; }
    void start() {
        const Status started = hypervisor_->start(spec_, [] { return Status(); });
        ASSERT_TRUE(started) << started.error().message;
    }
    bool ready(std::size_t times) {
        return eventually(boot_timeout_s, [&] { return count(console(), "lodge-tiny: ready") >= times; });
    }
    void start_and_wait() {
        const std::int64_t start_ms = milliseconds_of([&] { start(); });
        const std::int64_t ready_ms = milliseconds_of([&] { ASSERT_TRUE(ready(1)); });
        std::printf("start() took %lld ms, the guest was ready %lld ms later\n",
                    static_cast<long long>(start_ms), static_cast<long long>(ready_ms));
    }
    pid_t pid_from(const fs::path& file) { return static_cast<pid_t>(std::stol(slurp(file))); }
    void kill_qemu() {
        const auto pid_file = fs::path(libvirtd_) / "run/qemu" / (domain_name(spec_.guest_id) + ".pid");
        ASSERT_EQ(kill(pid_from(pid_file), SIGKILL), 0);
    }
    void kill_libvirtd() { ASSERT_EQ(kill(pid_from(fs::path(libvirtd_) / "libvirtd.pid"), SIGKILL), 0); }

    // 192 MiB of anything, which `raw` holds as well, under an empty file.
    DiskSpec make_layered_disk() {
        const fs::path raw = dir_.path() / "raw";
        EXPECT_TRUE(
            run_program({"dd", "if=/dev/urandom", "of=" + raw.string(), "bs=1M", "count=192"}, 60'000));
        fs::resize_file(raw, 256 << 20);
        WantedDisk wanted{VolumeId::make(random_), 256 << 20, {}};
        const auto first = storage_->ensure_disk(wanted);
        EXPECT_TRUE(run_program({"qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw.string(),
                                 first.value_or(DiskChain()).path},
                                60'000));
        wanted.must_exist = true;
        wanted.cuts = 1;
        wanted.layers = {{"", "qcow2", 0}};
        const auto chain = storage_->ensure_disk(wanted).value_or(DiskChain());
        DiskSpec disk{wanted.volume_id, "vdb", chain.path, chain.bases, wanted.size_bytes, {}};
        disk.cuts = 1;
        return disk;
    }
    // That the file alone, with nothing under it, holds what `raw` does.
    void expect_whole(const std::string& path) {
        Status same;
        const auto compare = [&] {  // QEMU closes its files a moment after it was told to
            same = run_program(
                {"qemu-img", "compare", "-f", "raw", "-F", "qcow2", (dir_.path() / "raw").string(), path},
                60'000);
            return same.has_value();
        };
        EXPECT_TRUE(eventually(reaction_timeout_s, compare)) << same.error().message;
    }

    const TinyImage image_;
    const std::string libvirtd_ = from_environment("LODGE_LIBVIRT_DIR", "");  // of tests/host/libvirtd.py
    const fs::path hold_ = fs::path(libvirtd_) / "hold";
    SystemRandom random_;
    const HostId host_ = HostId::make(random_);
    TemporaryFolder dir_;
    std::unique_ptr<FileStorage> storage_;
    std::unique_ptr<LibvirtHypervisor> hypervisor_;
    GuestSpec spec_;
};

TEST_F(HypervisorTest, GuestBootsKnowsItselfAndPowersOff) {
    start_and_wait();
    const std::string text = console();
    for (const std::string& marker :
         {"instance-id " + spec_.instance_id.str(), "system uuid " + domain_uuid(spec_.instance_id),
          std::string("vcpus 2 memory"),
          "root disk /dev/vda vol" + spec_.root.volume_id.str().substr(4) + " 1024 MiB",
          std::string("boot 1 of this disk")})
        EXPECT_NE(text.find("lodge-tiny: " + marker), std::string::npos) << marker;
    EXPECT_TRUE(is(DomainState::running));
    EXPECT_NE(owner_of(spec_.root.path), 0U);              // QEMU is not root, and is given the disk,
    EXPECT_EQ(owner_of(spec_.root.bases.at(0).path), 0U);  // but never the image
    ASSERT_TRUE(hypervisor_->request_shutdown(spec_.guest_id));
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return is(DomainState::shut_off); }));
    EXPECT_EQ(only().end_reason, EndReason::guest_shutdown);
    EXPECT_NE(console().find("lodge-tiny: powering off"), std::string::npos);
    EXPECT_EQ(owner_of(spec_.root.path), 0U);
    EXPECT_EQ(owner_of(spec_.kernel_path), 0U);
}

TEST_F(HypervisorTest, DiskOutlivesTheGuest) {
    start_and_wait();
    ASSERT_TRUE(hypervisor_->destroy(spec_.guest_id));
    EXPECT_EQ(only().end_reason, EndReason::destroyed);
    ASSERT_TRUE(hypervisor_->undefine(spec_.guest_id));
    spec_.guest_id = GuestId::make(random_);
    start();
    EXPECT_TRUE(ready(2));
    EXPECT_NE(console().find("boot 2 of this disk"), std::string::npos);
}

TEST_F(HypervisorTest, RebootsAndResetsAreSeen) {
    start_and_wait();
    ASSERT_TRUE(hypervisor_->request_reboot(spec_.guest_id));
    EXPECT_TRUE(ready(2));
    EXPECT_EQ(hypervisor_->reboots_seen(spec_.guest_id), 1);
    ASSERT_TRUE(hypervisor_->reset(spec_.guest_id));
    EXPECT_TRUE(ready(3));
    EXPECT_EQ(hypervisor_->reboots_seen(spec_.guest_id), 2);
    EXPECT_TRUE(is(DomainState::running));
}

TEST_F(HypervisorTest, AnInterruptReachesTheKernel) {
    start_and_wait();
    ASSERT_TRUE(hypervisor_->interrupt(spec_.guest_id));
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return count(console(), "NMI received") > 0; }));
    EXPECT_TRUE(is(DomainState::running));
}

// Were the request still pending in libvirt, the power-off would become the reboot.
TEST_F(HypervisorTest, RebootThatTheGuestMissedIsForgottenByAReset) {
    start();
    ASSERT_TRUE(hypervisor_->request_reboot(spec_.guest_id));  // the firmware is deaf
    ASSERT_TRUE(hypervisor_->reset(spec_.guest_id));
    ASSERT_TRUE(ready(1));
    ASSERT_TRUE(hypervisor_->request_shutdown(spec_.guest_id));
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return is(DomainState::shut_off); }));
}

TEST_F(HypervisorTest, StartingARunningGuestLeavesItAlone) {
    start();
    start();
    ASSERT_TRUE(ready(1));
    EXPECT_EQ(count(console(), "lodge-tiny: kernel up"), 1U);
    EXPECT_EQ(hypervisor_->undefine(spec_.guest_id).error().code, ErrorCode::incorrect_instance_state);
}

TEST_F(HypervisorTest, ListingDuringAStartNeverTakesTheGuestForDead) {
    std::atomic<bool> through = false;
    std::thread starter([&] {
        start();
        through = true;
    });
    while (!through) {
        const auto domains = hypervisor_->list();
        EXPECT_TRUE(domains);
        for (const Domain& domain : domains.value_or(std::vector<Domain>()))
            EXPECT_TRUE(domain.state != DomainState::shut_off || domain.end_reason == EndReason::unknown);
    }
    starter.join();
    EXPECT_TRUE(is(DomainState::running));
}

TEST_F(HypervisorTest, FailedStartSaysWhyAndLeavesNothing) {
    spec_.root.path += ".missing";
    const Status started = hypervisor_->start(spec_, [] { return Status(); });
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::io_failure);
    EXPECT_NE(started.error().message.find(spec_.root.path), std::string::npos) << started.error().message;
    EXPECT_TRUE(hypervisor_->list()->empty());
}

TEST_F(HypervisorTest, FlatteningYieldsToWhateverElseIsDoneToTheDisk) {
    DiskSpec disk = make_layered_disk();
    const auto& id = disk.volume_id;
    start_and_wait();
    const auto begin_flattening = [&] {
        const Status begun = hypervisor_->flatten_disk(spec_.guest_id, disk);
        ASSERT_TRUE(begun) << begun.error().message;
        ASSERT_TRUE(hypervisor_->flatten_disk(spec_.guest_id, disk)) << "it goes on";
        ASSERT_EQ(only().flat.at(id), 0) << "192 MiB take some seconds";
    };
    ASSERT_TRUE(hypervisor_->attach_disk(spec_.guest_id, disk));
    begin_flattening();
    ASSERT_TRUE(hypervisor_->request_detach(spec_.guest_id, id, false));
    ASSERT_TRUE(eventually(reaction_timeout_s, [&] { return !has_disk(only(), id); }));
    ASSERT_TRUE(hypervisor_->attach_disk(spec_.guest_id, disk));
    begin_flattening();
    disk.size_bytes = 512 << 20;
    const Status grown = hypervisor_->adjust_disk(spec_.guest_id, disk);
    ASSERT_TRUE(grown) << grown.error().message;
    begin_flattening();
    disk.path = *storage_->add_file(id, 2, {});
    disk.cuts = 2;
    const Status cut = hypervisor_->cut_disks(spec_.guest_id, {disk});
    ASSERT_TRUE(cut) << cut.error().message;
    EXPECT_EQ(only().cuts.at(id), 2);
    begin_flattening();
    ASSERT_TRUE(eventually(reaction_timeout_s, [&] { return only().flat.at(id) == 2; }));
    EXPECT_TRUE(hypervisor_->flatten_disk(spec_.guest_id, disk)) << "it is done";
    ASSERT_TRUE(hypervisor_->request_detach(spec_.guest_id, id, false));
    ASSERT_TRUE(eventually(reaction_timeout_s, [&] { return !has_disk(only(), id); }));
    EXPECT_EQ(read_disk_header(disk.path, "qcow2")->backing_file, "");
    expect_whole(disk.path);
}

// QEMU keeps what it has copied for a while. What is under a flat file is given up once that was cut: nothing
// of it may be lost then, whatever becomes of the machine.
TEST_F(HypervisorTest, AFlatFileThatWasCutIsOnTheDisk) {
    if (libvirtd_.empty()) GTEST_SKIP() << "needs tests/host/libvirtd.py";
    DiskSpec disk = make_layered_disk();
    const auto& id = disk.volume_id;
    const std::string flat = disk.path;
    start_and_wait();
    ASSERT_TRUE(hypervisor_->attach_disk(spec_.guest_id, disk));
    ASSERT_TRUE(hypervisor_->flatten_disk(spec_.guest_id, disk));
    ASSERT_TRUE(eventually(reaction_timeout_s, [&] { return only().flat.at(id) == 1; }));
    disk.path = *storage_->add_file(id, 2, {});
    disk.cuts = 2;
    const Status cut = hypervisor_->cut_disks(spec_.guest_id, {disk});
    kill_qemu();
    ASSERT_TRUE(cut) << cut.error().message;
    expect_whole(flat);
}

TEST_F(HypervisorTest, KilledQemuIsACrash) {
    if (libvirtd_.empty()) GTEST_SKIP() << "needs tests/host/libvirtd.py";
    std::atomic<int> changes = 0;
    hypervisor_->on_change([&] { ++changes; });
    start();
    changes = 0;
    kill_qemu();
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return is(DomainState::shut_off); }));
    EXPECT_EQ(only().end_reason, EndReason::crashed);
    EXPECT_GT(changes, 0);
    hypervisor_->on_change({});
}

TEST_F(HypervisorTest, GuestOutlivesLibvirtdAndTheAgent) {
    if (libvirtd_.empty()) GTEST_SKIP() << "needs tests/host/libvirtd.py";
    start_and_wait();
    kill_libvirtd();
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return hypervisor_->list().has_value(); }));
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return is(DomainState::running); }));
    ASSERT_TRUE(hypervisor_->request_reboot(spec_.guest_id));
    EXPECT_TRUE(ready(2));
    EXPECT_EQ(hypervisor_->reboots_seen(spec_.guest_id), 1);  // events come over the new connection
    make_hypervisor();
    EXPECT_TRUE(is(DomainState::running));
    ASSERT_TRUE(hypervisor_->request_shutdown(spec_.guest_id));
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return is(DomainState::shut_off); }));
}

TEST_F(HypervisorTest, PowerOffWhileLibvirtdIsAwayIsToldLater) {
    if (libvirtd_.empty()) GTEST_SKIP() << "needs tests/host/libvirtd.py";
    start_and_wait();
    spill(hold_, "");
    ASSERT_TRUE(hypervisor_->request_shutdown(spec_.guest_id));
    kill_libvirtd();
    EXPECT_TRUE(
        eventually(reaction_timeout_s, [&] { return count(console(), "lodge-tiny: powering off") == 1; }));
    EXPECT_EQ(hypervisor_->list().error().code, ErrorCode::service_unavailable);
    std::this_thread::sleep_for(std::chrono::seconds(2));
    fs::remove(hold_);
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] {
        const auto domains = hypervisor_->list();
        return domains && domains->size() == 1 && domains->front().state == DomainState::shut_off;
    }));
    EXPECT_EQ(only().end_reason, EndReason::guest_shutdown);
}

TEST_F(HypervisorTest, LostVirtlogdCostsConsoleOutputAlone) {
    if (libvirtd_.empty()) GTEST_SKIP() << "needs tests/host/libvirtd.py";
    start_and_wait();
    ASSERT_EQ(kill(pid_from(fs::path(libvirtd_) / "virtlogd.pid"), SIGKILL), 0);
    ASSERT_TRUE(hypervisor_->request_shutdown(spec_.guest_id));
    EXPECT_TRUE(eventually(reaction_timeout_s, [&] { return is(DomainState::shut_off); }));
    EXPECT_TRUE(eventually(reaction_timeout_s,
                           [&] { return hypervisor_->start(spec_, [] { return Status(); }).has_value(); }));
    EXPECT_TRUE(ready(2));
}

}  // namespace
}  // namespace lodge::agent
