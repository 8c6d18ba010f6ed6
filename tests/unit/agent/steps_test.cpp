// The registry of the agent's steps: each of them is run twice, and dies or fails at every call that it makes
// of the world, and whatever happens the same comes of it in the end.
//
// To add a step: an entry in registry(). One of enum Step that has none fails the test.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/hypervisor/fake.h"
#include "agent/network/fake.h"
#include "agent/reconcile/agent.h"
#include "agent/storage/null_storage.h"
#include "proto/model/enum_text.h"
#include "tests/unit/agent/fake_control.h"
#include "tests/unit/agent/mortal.h"
#include "tests/unit/agent/specs.h"

namespace lodge::agent {
namespace {

constexpr std::int64_t turn_ms = 1'000;
constexpr int lifetime = 25;  // turns, after which all is as it is going to be

// What outlives an agent: the host, and the control plane.
class World {
  public:
    // A guest as the control plane knows it to run, with its disk and what it has written to its console.
    link::DesiredGuest run_guest(std::vector<link::GuestInterface> interfaces = {}) {
        link::DesiredGuest made = desired_guest(random);
        made.interfaces = std::move(interfaces);
        made.observed = Observed::running;
        EXPECT_TRUE(hypervisor.start(spec_of(made), open_gate));
        storage.add_disk(made.root_volume_id);
        return made;
    }
    static GuestSpec spec_of(const link::DesiredGuest& desired) {
        GuestSpec spec;
        spec.guest_id = desired.guest_id;
        spec.instance_id = desired.instance_id;
        spec.vcpus = desired.vcpus;
        spec.memory_mib = desired.memory_mib;
        spec.root.volume_id = desired.root_volume_id;
        spec.root.target = "vda";
        spec.root.bases = {{"/simulated/images/" + desired.image.sha256, "qcow2"}};
        for (const auto& each : desired.interfaces)
            spec.interfaces.push_back({each.network_interface_id, each.port_uuid, each.mac, 0});
        for (const auto& each : desired.disks) {
            spec.disks.emplace_back().volume_id = each.volume_id;
            spec.disks.back().target = each.target;
        }
        return spec;
    }
    void want(link::DesiredGuest desired) {
        instances.push_back(desired.instance_id);
        control.want(desired);
    }
    // As the API does.
    void want(link::DesiredGuest desired, Desired wanted) {
        desired.desired = wanted;
        ++desired.generation;
        want(desired);
    }
    void want_reboot(link::DesiredGuest desired) {
        desired.reboots_wanted = 1;
        ++desired.generation;
        want(desired);
    }

    ManualClock clock{1'000'000'000};
    SeededRandom random{3};
    FakeHypervisor hypervisor{clock, {"fake", "x86_64", 8, 8192, "simulated"}};
    NullStorage storage{1000, [this](const InstanceId& id) { return hypervisor.console(id); },
                        [this](const InstanceId& id) { hypervisor.forget_console(id); }};
    FakeNetwork network;
    FakeControl control;
    std::int64_t kept_epoch = 1;        // in the agent's folder
    std::vector<InstanceId> instances;  // whose consoles there may be
};

// An agent's life, in turns of its threads.
class Life {
  public:
    explicit Life(World& world, Fate fate = {}, Looks shown = {})
        : fate_(std::move(fate)),
          shown_(std::move(shown)),
          world_(world),
          hypervisor_(world.hypervisor, fate_, shown_, seen_),
          storage_(world.storage, fate_, shown_, seen_),
          network_(world.network, fate_),
          link_(world.control, fate_),
          agent_({hypervisor_, storage_, network_, metadata}, link_, world.clock, random_, options()) {}

    // All that it does in one turn, but for telling what came of it.
    void act() {
        agent_.heartbeat_turn();
        agent_.poll_turn();
        agent_.network_turn();
        agent_.reconcile_turn();
        agent_.heartbeat_turn();  // which asks about what the look before has found
        while (agent_.work_turn()) {
        }
    }
    void go_on(int turns) {
        for (int i = 0; i < turns; ++i) {
            act();
            while (agent_.report_turn()) {
            }
            world_.clock.advance_ms(turn_ms);
        }
    }
    // Up to where the step of that turn has been taken; nobody hears of it.
    void act_in(int turn) {
        go_on(turn - 1);
        act();
    }
    // False: it died.
    bool survives(int turns) {
        try {
            go_on(turns);
            return true;
        } catch (const Died&) {
            return false;
        }
    }
    const Fate& fate() const { return fate_; }
    const Looks& seen() const { return seen_; }

    SeenMetadata metadata;  // the service is a part of the agent's process

  private:
    AgentOptions options() {
        AgentOptions made;
        made.host_id = HostId::trusted("h-00000000000000001");
        made.poll_wait_ms = 0;
        made.files_period_ms = 5'000;
        made.patience = {.stop_ms = 5'000,
                         .terminate_ms = 5'000,
                         .ask_again_ms = 2'000,
                         .reboot_ms = 3'000,
                         .detach_again_ms = 2'000,
                         .flatten_again_ms = 2'000};
        made.epoch = world_.kept_epoch;
        made.keep_epoch = [this](std::int64_t epoch) {
            return fate_.pass("keep_epoch", [&]() -> Status {
                world_.kept_epoch = epoch;
                return {};
            });
        };
        return made;
    }

    Fate fate_;
    Looks shown_;
    Looks seen_;
    World& world_;
    SeededRandom random_{5};
    MortalHypervisor hypervisor_;
    MortalStorage storage_;
    MortalNetwork network_;
    MortalLink link_;
    Agent agent_;
};

struct StepCase {
    std::string name;
    Step step = Step::none;  // none: it is no step of one guest's
    std::string call;        // what the step comes down to, so that it is seen to have been taken
    std::function<void(World&)> prepare;
    std::function<void(World&)> expect;  // of the end
    int turn = 1;                        // in which it is taken
    // The guest feels it, and nobody can see that it has: an agent that died over it, or heard no answer,
    // does it again. Consoles, where the guest says that it has felt it, are not compared then.
    bool at_least_once = false;
};

void PrintTo(const StepCase& entry, std::ostream* out) {
    *out << entry.name;
}

std::string text_of(const std::vector<NetworkInterfaceId>& ids) {
    std::string text;
    for (const auto& id : ids) text += " " + id.str();
    return text;
}

// All that is on the host.
std::string dump_host(World& world, const StepCase& entry) {
    std::string text = "epoch " + std::to_string(world.kept_epoch) + "\n";
    for (const auto& domain : world.hypervisor.peek())
        text += "guest " + domain.guest_id.str() + " of " + domain.instance_id.str() + ": state " +
                std::to_string(static_cast<int>(domain.state)) + ", end " +
                std::to_string(static_cast<int>(domain.end_reason)) + ", with" + text_of(domain.interfaces) +
                "\n";
    for (const auto& domain : world.hypervisor.peek())
        for (const auto& id : domain.disks) {
            const auto disk = world.hypervisor.disk(domain.guest_id, id);
            text += "has " + id.str() + " as " + disk->target + " of " + std::to_string(disk->size_bytes) +
                    ", " + std::to_string(disk->limits.iops) + ", file " + std::to_string(disk->cuts) +
                    " over " + std::to_string(disk->bases.size()) + "\n";
        }
    const auto roots = world.storage.list_disks();
    for (const auto& root : *roots) text += "disk " + root.str() + "\n";
    if (!entry.at_least_once)
        for (const auto& id : world.instances)
            text += "console of " + id.str() + ":\n" + world.hypervisor.console(id);
    for (const auto& port : world.network.released()) text += "released " + port + "\n";
    for (const auto& port : world.network.left_behind()) text += "left behind " + port + "\n";
    for (const auto& vpc : world.network.metadata()) text += "metadata of " + vpc.vpc_id.str() + "\n";
    if (const auto settings = world.network.settings()) text += "ovn " + settings->southbound_remote + "\n";
    return text;
}

// As last reported.
std::vector<link::ObservedDisk> disks_told(World& world, const GuestId& id) {
    std::vector<link::ObservedDisk> disks;
    for (const auto& seen : world.control.history())
        if (seen.guest_id == id) disks = seen.disks;
    return disks;
}

// And what is known of it elsewhere.
std::string dump(World& world, Life& life, const StepCase& entry) {
    std::string text = dump_host(world, entry);
    for (const auto& network : life.metadata.networks()) text += "metadata in " + network.netns + "\n";
    for (const auto& guest : life.metadata.guests()) text += "metadata for " + guest.guest_id.str() + "\n";
    for (const auto& guest : world.control.guests()) {
        text += "known: " + guest.guest_id.str() + " is " + std::string(to_text(guest.observed)) + ", " +
                std::to_string(guest.reboots_done) + " reboots, " + std::to_string(guest.interrupts_done) +
                " interrupts";
        std::vector<NetworkInterfaceId> interfaces;
        for (const auto& seen : world.control.history())
            if (seen.guest_id == guest.guest_id) interfaces = seen.interfaces;
        text += ", with" + text_of(interfaces) + "\n";
        for (const auto& disk : disks_told(world, guest.guest_id))
            text += "told " + disk.volume_id.str() + " of " + std::to_string(disk.size_bytes) + "\n";
    }
    for (const auto& [id, content] : world.control.layers())
        text += "layer of " + id.str() + ": " + content.sha256 + "\n";
    for (const auto& id : world.control.doomed()) text += "doomed " + id.str() + "\n";
    if (!entry.at_least_once)
        for (const auto& [id, bytes] : world.control.consoles())
            text += "heard of " + id.str() + ":\n" + bytes + "\n";
    return text;
}

// None of the steps is one in which a guest ends by itself or cannot be started.
void expect_no_error(World& world) {
    for (const auto& seen : world.control.history()) {
        EXPECT_NE(seen.observed, Observed::failed) << seen.reason;
        EXPECT_NE(seen.observed, Observed::stopped) << seen.reason;
    }
}

void expect_running(World& world, const std::vector<NetworkInterfaceId>& interfaces = {}) {
    const auto domains = world.hypervisor.peek();
    ASSERT_EQ(domains.size(), 1U);
    EXPECT_EQ(domains.front().state, DomainState::running);
    EXPECT_EQ(domains.front().interfaces, interfaces);
    ASSERT_EQ(world.control.guests().size(), 1U);
    EXPECT_EQ(world.control.guests().front().guest_id, domains.front().guest_id);
    EXPECT_EQ(world.control.guests().front().observed, Observed::running);
    EXPECT_EQ(world.storage.disk_count(), 1U);
}

void expect_stopped(World& world) {
    EXPECT_TRUE(world.hypervisor.peek().empty());
    EXPECT_EQ(world.storage.disk_count(), 1U);
    EXPECT_EQ(world.control.guests().front().observed, Observed::gone);
}

void expect_rebooted(World& world) {
    expect_running(world);
    EXPECT_EQ(world.control.guests().front().reboots_done, 1);
    EXPECT_GE(world.hypervisor.reboots_seen(world.control.guests().front().guest_id), 1);
}

const NetworkInterfaceId first_nic = example_nic(1).network_interface_id;

// --- Entries

void prepare_start(World& world) {
    link::DesiredGuest desired = desired_guest(world.random);
    desired.interfaces = {desired_interface(1)};
    world.network.leave_behind(example_nic(1).port_uuid);
    world.want(desired);
}

void prepare_uefi_start(World& world) {
    link::DesiredGuest desired = desired_guest(world.random);
    desired.boot_mode = BootMode::uefi;
    world.want(desired);
}

void expect_uefi_start(World& world) {
    expect_running(world);
    EXPECT_TRUE(world.storage.has_variables(world.control.guests().front().root_volume_id));
}

void prepare_start_of_a_held_guest(World& world) {
    link::DesiredGuest desired = desired_guest(world.random);
    desired.interfaces = {desired_interface(1)};
    desired.observed = Observed::starting;
    world.storage.add_disk(desired.root_volume_id);
    world.hypervisor.leave_held(World::spec_of(desired));
    world.want(desired);
}

void prepare_deaf_shutdown(World& world) {
    const auto guest = world.run_guest();
    world.hypervisor.set_deaf(guest.guest_id, true);
    world.want(guest, Desired::stopped);
}

void prepare_destroy(World& world) {
    auto guest = world.run_guest({desired_interface(1)});
    guest.skip_os_shutdown = true;
    world.want(guest, Desired::stopped);
}

void prepare_undefine(World& world) {
    const auto guest = world.run_guest();
    EXPECT_TRUE(world.hypervisor.destroy(guest.guest_id));
    world.want(guest, Desired::stopped);
}

// The disks that come with its type are there from the start, and end with the guest.
void prepare_store_start(World& world) {
    link::DesiredGuest desired = desired_guest(world.random);
    desired.store_disks = 2;
    desired.store_disk_bytes = 1 << 20;
    world.want(desired);
}

void prepare_store_end(World& world) {
    const auto guest = world.run_guest();
    EXPECT_TRUE(world.storage.ensure_store_disk(guest.guest_id, 0, 1 << 20));
    EXPECT_TRUE(world.hypervisor.destroy(guest.guest_id));
    world.want(guest, Desired::stopped);
}

// An earlier agent died between the two.
void prepare_left_store(World& world) {
    const auto guest = world.run_guest();
    EXPECT_TRUE(world.storage.ensure_store_disk(guest.guest_id, 0, 1 << 20));
    EXPECT_TRUE(world.storage.ensure_store_disk(GuestId::make(world.random), 0, 1 << 20));
    world.want(guest);
}

std::size_t stores(World& world) {
    return world.storage.list_store_disks().value_or(std::vector<GuestId>()).size();
}

// One that has ended, with variables of its firmware.
link::DesiredGuest gone_guest(World& world) {
    auto guest = world.run_guest();
    EXPECT_TRUE(world.hypervisor.destroy(guest.guest_id));
    EXPECT_TRUE(world.hypervisor.undefine(guest.guest_id));
    EXPECT_TRUE(world.storage.ensure_firmware(guest.root_volume_id));
    guest.boot_mode = BootMode::uefi;
    guest.observed = Observed::gone;
    return guest;
}

void prepare_removal(World& world) {
    world.want(gone_guest(world), Desired::terminated);
}

void prepare_removal_but_of_the_disk(World& world) {
    auto guest = gone_guest(world);
    guest.root_stays = true;
    world.want(guest, Desired::terminated);
}

void expect_no_variables(World& world) {
    EXPECT_FALSE(world.storage.has_variables(world.control.guests().front().root_volume_id));
    EXPECT_EQ(world.control.guests().front().observed, Observed::removed);
}

void expect_removal(World& world) {
    expect_no_variables(world);
    EXPECT_EQ(world.storage.disk_count(), 0U);
    EXPECT_EQ(world.control.guests().front().observed, Observed::removed);
    const InstanceId& instance = world.instances.front();
    EXPECT_EQ(world.hypervisor.console(instance), "");
    EXPECT_NE(world.control.consoles()[instance], "") << "the last words were sent before they went";
}

void prepare_reset(World& world) {
    const auto guest = world.run_guest();
    world.hypervisor.set_deaf(guest.guest_id, true);
    world.want_reboot(guest);
}

void prepare_interrupt(World& world) {
    auto guest = world.run_guest();
    guest.interrupts_wanted = 2;
    ++guest.generation;
    world.want(guest);
}

void expect_interrupt(World& world) {
    expect_running(world);
    EXPECT_EQ(world.control.guests().front().interrupts_done, 2);
    EXPECT_NE(world.hypervisor.console(world.instances.front()).find("NMI received"), std::string::npos);
}

// The instance's disk is a guest's that nobody asked for.
void prepare_strays(World& world) {
    auto guest = world.run_guest();
    guest.guest_id = GuestId::make(world.random);
    guest.observed = Observed::placed;
    world.want(guest);
}

void prepare_strays_before_removal(World& world) {
    auto guest = world.run_guest();
    guest.guest_id = GuestId::make(world.random);
    guest.observed = Observed::gone;
    world.want(guest, Desired::terminated);
}

void expect_all_gone(World& world) {
    EXPECT_TRUE(world.hypervisor.peek().empty());
    EXPECT_EQ(world.storage.disk_count(), 0U);
}

void prepare_attach(World& world) {
    auto guest = world.run_guest();
    guest.interfaces = {desired_interface(1)};
    world.network.leave_behind(example_nic(1).port_uuid);
    world.want(guest);
}

void prepare_detach(World& world) {
    auto guest = world.run_guest({desired_interface(1)});
    guest.interfaces.clear();
    world.want(guest);
}

const link::GuestDisk wanted_disk = {VolumeId::trusted("vol-10000000000000001"), "vdf", 5 << 20, 300, 0};

void prepare_disk_attach(World& world) {
    auto guest = world.run_guest();
    guest.disks = {wanted_disk};
    world.want(guest);
}

void prepare_disk_detach(World& world) {
    auto guest = world.run_guest();
    EXPECT_TRUE(world.hypervisor.attach_disk(guest.guest_id, {wanted_disk.volume_id, "vdf"}));
    world.storage.add_disk(wanted_disk.volume_id);
    world.want(guest);
}

// The guest has it as small as it was, without limits.
void prepare_disk_adjustment(World& world) {
    auto guest = world.run_guest();
    EXPECT_TRUE(world.hypervisor.attach_disk(guest.guest_id, {wanted_disk.volume_id, "vdf"}));
    world.storage.add_disk(wanted_disk.volume_id);
    guest.disks = {wanted_disk};
    world.want(guest);
}

void expect_disk(World& world) {
    const auto guest = world.control.guests().front();
    const auto disk = world.hypervisor.disk(guest.guest_id, wanted_disk.volume_id);
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk->size_bytes, wanted_disk.size_bytes);
    EXPECT_EQ(disk->limits.iops, 300);
    const auto told = disks_told(world, guest.guest_id);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told.back(), as_desired(wanted_disk));
    EXPECT_EQ(world.storage.disk_count(), 2U);
}

void prepare_polite_detach(World& world) {
    auto guest = world.run_guest();
    EXPECT_TRUE(world.hypervisor.attach_disk(guest.guest_id, {wanted_disk.volume_id, "vdf"}));
    world.storage.add_disk(wanted_disk.volume_id);
    guest.disks = {wanted_disk};
    guest.disks.front().leaving = true;
    world.want(guest);
}

void expect_no_disk(World& world) {
    EXPECT_EQ(disks_told(world, world.control.guests().front().guest_id).size(), 1U);
    EXPECT_EQ(world.hypervisor.peek().front().disks.size(), 1U);
    EXPECT_EQ(world.storage.disk_count(), 2U) << "it stays for the next guest";
}

// A guest still has it, and lets go of it only when it is asked.
void prepare_doom(World& world) {
    prepare_disk_detach(world);
    world.control.set_volumes({}, {wanted_disk.volume_id});
}

void expect_doom(World& world) {
    EXPECT_EQ(world.storage.disk_count(), 1U);
    EXPECT_TRUE(world.control.doomed().empty());
}

const SnapshotId snapshot = SnapshotId::trusted("snap-10000000000000001");

link::GuestDisk cut_disk() {
    link::GuestDisk disk = wanted_disk;
    disk.keep = true;
    disk.layers = {{"", "qcow2", 0}};
    disk.cuts = 1;
    return disk;
}

// A guest that has the disk, and another that is cut with it.
void prepare_cut(World& world) {
    auto guest = world.run_guest();
    EXPECT_TRUE(world.hypervisor.attach_disk(
        guest.guest_id, {wanted_disk.volume_id, "vdf", {}, {}, wanted_disk.size_bytes, {300, 0}}));
    world.storage.add_disk(wanted_disk.volume_id);
    guest.disks = {cut_disk()};
    guest.root_cuts = 1;
    guest.root_layers = {{"", "qcow2", 0}};
    world.instances.push_back(guest.instance_id);
    world.control.want_layer(guest, {snapshot, 0, cut_disk()});
}

void expect_cut(World& world) {
    const auto guest = world.control.guests().front();
    for (const auto& id : {guest.root_volume_id, wanted_disk.volume_id}) {
        const auto disk = world.hypervisor.disk(guest.guest_id, id);
        ASSERT_TRUE(disk);
        EXPECT_EQ(disk->cuts, 1);
        const std::size_t images = id == guest.root_volume_id ? 1 : 0;
        EXPECT_EQ(disk->bases.size(), images + 1) << "it was cut once";
    }
    EXPECT_TRUE(world.control.layers().contains(snapshot));
}

// A guest that has the disk above two layers.
void prepare_flattening(World& world) {
    auto guest = world.run_guest();
    DiskSpec disk{wanted_disk.volume_id, "vdf", {}, {}, wanted_disk.size_bytes, {300, 0}};
    disk.bases = {{"/above", "qcow2"}, {"/below", "qcow2"}};
    EXPECT_TRUE(world.hypervisor.attach_disk(guest.guest_id, disk));
    world.storage.add_disk(wanted_disk.volume_id);
    guest.disks = {wanted_disk};
    guest.disks.front().flatten = true;
    guest.disks.front().layers.resize(2);
    world.want(guest);
}

void expect_flat(World& world) {
    const auto guest = world.control.guests().front();
    EXPECT_TRUE(world.hypervisor.disk(guest.guest_id, wanted_disk.volume_id)->bases.empty());
    EXPECT_EQ(disks_told(world, guest.guest_id).back().flat, 0);
}

// The disk's third file is flat and was cut, and the control plane knows it.
void prepare_forgetting(World& world) {
    auto guest = world.run_guest();
    DiskSpec disk{wanted_disk.volume_id, "vdf", {}, {}, wanted_disk.size_bytes, {300, 0}};
    disk.cuts = 3;
    disk.bases = {{NullStorage::path_of(wanted_disk.volume_id, 2), "qcow2", true}};
    EXPECT_TRUE(world.hypervisor.attach_disk(guest.guest_id, disk));
    world.storage.add_disk(wanted_disk.volume_id);
    guest.disks = {wanted_disk};
    guest.disks.front().cuts = 3;
    guest.disks.front().layers = {{"", "qcow2", 0}};
    world.want(guest);
}

void expect_forgotten(World& world) {
    EXPECT_EQ(world.storage.first_file(wanted_disk.volume_id), 2);
}

// Of a volume that no guest has.
void prepare_sending(World& world) {
    world.want(world.run_guest());
    world.storage.add_disk(wanted_disk.volume_id);
    world.control.set_volumes({wanted_disk.volume_id}, {});
    world.control.want_layer(world.control.guests().front(), {snapshot, 0, cut_disk()});
    world.control.refuse_next_layer();
}

void expect_sent(World& world) {
    EXPECT_TRUE(world.control.layers().contains(snapshot));
    EXPECT_TRUE(world.storage.read_layer(wanted_disk.volume_id, 0, 1)) << "it goes on in another file";
    EXPECT_FALSE(world.storage.read_layer(wanted_disk.volume_id, 1, 1)) << "it was cut once";
}

void prepare_leaving(World& world) {
    for (int i = 0; i < 2; ++i) {
        const auto guest = world.run_guest();
        world.hypervisor.set_deaf(guest.guest_id, true);
        world.want(guest);
    }
    world.control.fence();
}

void expect_left(World& world) {
    EXPECT_TRUE(world.hypervisor.peek().empty());
    EXPECT_EQ(world.kept_epoch, 2);
    EXPECT_EQ(world.storage.disk_count(), 2U) << "disks are their instances'";
}

void prepare_left_guest(World& world) {
    world.control.set_over({{world.run_guest().guest_id}, {}});
}

void prepare_left_disk(World& world) {
    const auto disk = VolumeId::make(world.random);
    world.storage.add_disk(disk);
    world.control.set_over({{}, {disk}});
}

// Nothing on this host needs it, and the control plane says that nothing at all does.
void prepare_unused_content(World& world) {
    const link::Content unused = {std::string(64, 'e'), "qcow2", 1};
    EXPECT_TRUE(world.storage.ensure_image(unused));
    auto guest = world.run_guest();
    EXPECT_TRUE(world.storage.ensure_image(guest.image));
    world.want(guest);
    world.control.set_over({{}, {}, {unused.sha256, guest.image.sha256}});
}

void expect_needed_content(World& world) {
    EXPECT_TRUE(world.control.tells_files());
    EXPECT_EQ(world.storage.list_contents(), std::vector{world.control.guests().front().image.sha256})
        << "what a guest needs stays, whatever anybody says";
}

void prepare_network(World& world) {
    world.network.leave_behind("a port of a guest that was here once");
    world.want(world.run_guest({desired_interface(1)}));
}

void expect_network(World& world) {
    expect_running(world, {first_nic});
    EXPECT_TRUE(world.network.left_behind().empty());
    EXPECT_EQ(world.network.metadata().size(), 1U);
    EXPECT_EQ(world.network.settings()->southbound_remote, "unix:/ovnsb_db.sock");
}

void prepare_unused_network(World& world) {
    EXPECT_TRUE(world.network.ensure_metadata({{VpcId::trusted("vpc-00000000000000001"), "10.0.0.2", {}}}));
}

std::vector<StepCase> registry() {
    const auto with_nic = [](World& world) { expect_running(world, {first_nic}); };
    const auto without_nic = [](World& world) { expect_running(world); };
    return {
        {"start", Step::start, "start", prepare_start, with_nic},
        {"start_by_uefi", Step::start, "ensure_firmware", prepare_uefi_start, expect_uefi_start},
        {"start_of_a_held_guest", Step::start, "start", prepare_start_of_a_held_guest, with_nic},
        {"shutdown", Step::ask_shutdown, "request_shutdown",
         [](World& world) { world.want(world.run_guest(), Desired::stopped); }, expect_stopped},
        {"shutdown_of_a_deaf_guest", Step::ask_shutdown, "request_shutdown", prepare_deaf_shutdown,
         expect_stopped},
        {"destroy", Step::destroy, "destroy", prepare_destroy, expect_stopped},
        {"undefine", Step::undefine, "undefine", prepare_undefine, expect_stopped},
        {"start_with_instance_store", Step::start, "ensure_store_disk", prepare_store_start,
         [](World& world) {
             expect_running(world);
             EXPECT_EQ(stores(world), 1U);
         }},
        {"end_instance_store", Step::undefine, "remove_store_disks", prepare_store_end,
         [](World& world) {
             expect_stopped(world);
             EXPECT_EQ(stores(world), 0U);
         }},
        {"end_left_instance_store", Step::none, "remove_store_disks", prepare_left_store,
         [](World& world) {
             expect_running(world);
             EXPECT_EQ(stores(world), 1U) << "the guest's own";
         }},
        {"remove_disk", Step::remove_root, "remove_disk", prepare_removal, expect_removal},
        {"remove_variables", Step::remove_root, "remove_variables", prepare_removal_but_of_the_disk,
         expect_no_variables},
        {"reboot", Step::ask_reboot, "request_reboot",
         [](World& world) { world.want_reboot(world.run_guest()); }, expect_rebooted, 1, true},
        {"reset", Step::reset, "reset", prepare_reset, expect_rebooted, 4, true},
        {"interrupt", Step::interrupt, "interrupt", prepare_interrupt, expect_interrupt, 1, true},
        {"end_strays_before_a_start", Step::end_strays, "undefine", prepare_strays, without_nic},
        {"end_strays_before_a_removal", Step::end_strays, "undefine", prepare_strays_before_removal,
         expect_all_gone},
        {"attach", Step::attach, "attach_interface", prepare_attach, with_nic},
        {"detach", Step::detach, "request_detach", prepare_detach, without_nic},
        {"attach_disk", Step::attach_disk, "attach_disk", prepare_disk_attach, expect_disk, 2},
        {"detach_disk", Step::detach_disk, "request_detach_disk", prepare_disk_detach, expect_no_disk},
        {"detach_disk_politely", Step::detach_disk, "request_detach_disk", prepare_polite_detach,
         expect_no_disk, 2},
        {"adjust_disk", Step::adjust_disk, "adjust_disk", prepare_disk_adjustment, expect_disk},
        {"cut_disks", Step::cut_disks, "cut_disks", prepare_cut, expect_cut, 3},
        {"flatten_disk", Step::flatten_disk, "flatten_disk", prepare_flattening, expect_flat, 3},
        {"forget_layers", Step::forget_layers, "forget_layers", prepare_forgetting, expect_forgotten, 3},
        {"send_layer", Step::none, "store_layer", prepare_sending, expect_sent},
        {"remove_doomed", Step::none, "remove_disk", prepare_doom, expect_doom, 2},
        {"leave_epoch", Step::none, "keep_epoch", prepare_leaving, expect_left},
        {"end_leftover_guest", Step::none, "undefine", prepare_left_guest,
         [](World& world) { EXPECT_TRUE(world.hypervisor.peek().empty()); }},
        {"remove_leftover_disk", Step::none, "remove_disk", prepare_left_disk, expect_all_gone},
        {"remove_unused_content", Step::none, "remove_content", prepare_unused_content, expect_needed_content,
         2},
        {"keep_network", Step::none, "ensure_metadata", prepare_network, expect_network},
        {"unused_network_goes", Step::none, "ensure_metadata", prepare_unused_network,
         [](World& world) { EXPECT_TRUE(world.network.metadata().empty()); }},
    };
}

// --- What is tested of each

class AgentSteps : public ::testing::TestWithParam<StepCase> {
  protected:
    // What comes of it when nothing comes in between.
    std::string undisturbed() const {
        World world;
        GetParam().prepare(world);
        Life life(world);
        life.go_on(lifetime);
        GetParam().expect(world);
        expect_no_error(world);
        return dump(world, life, GetParam());
    }
};

// The first agent dies before it can tell, and the second one sees the host as it was before: the first one's
// last calls, say, are done only after it has looked. Nor does it know of an epoch that was kept meanwhile.
TEST_P(AgentSteps, RunTwiceIsAsRunOnce) {
    const auto& entry = GetParam();
    World world;
    entry.prepare(world);
    const auto epoch = world.kept_epoch;
    auto first = std::make_unique<Life>(world);
    first->act_in(entry.turn);
    ASSERT_GT(first->fate().calls(entry.call), 0) << "the step was not due";
    const auto once = dump_host(world, entry);
    const Looks before = first->seen();
    first.reset();
    world.kept_epoch = epoch;
    auto second = std::make_unique<Life>(world, Fate(), before);
    second->act_in(entry.turn);
    EXPECT_GT(second->fate().calls(entry.call), 0) << "the step was not taken a second time";
    EXPECT_EQ(dump_host(world, entry), once);
    second.reset();
    Life third(world);
    third.go_on(lifetime);
    EXPECT_EQ(dump(world, third, entry), undisturbed());
    entry.expect(world);
    expect_no_error(world);
}

TEST_P(AgentSteps, DyingOrFailingAtAnyCallLeadsToTheSameEnd) {
    const auto& entry = GetParam();
    const auto end_of_it = undisturbed();
    for (const Fate::End end : {Fate::End::before, Fate::End::after, Fate::End::refused, Fate::End::unheard})
        for (int call = 1;; ++call) {
            SCOPED_TRACE(std::string(name_of(end)) + " call " + std::to_string(call));
            World world;
            entry.prepare(world);
            auto life = std::make_unique<Life>(world, Fate(end, call));
            const bool survives = life->survives(entry.turn + 2);
            if (!life->fate().fulfilled()) break;  // there are no more calls
            if (!survives) {
                life.reset();
                life = std::make_unique<Life>(world);
            }
            life->go_on(lifetime);
            EXPECT_EQ(dump(world, *life, entry), end_of_it);
            entry.expect(world);
            expect_no_error(world);
            if (HasFailure()) return;
        }
}

INSTANTIATE_TEST_SUITE_P(Of, AgentSteps, ::testing::ValuesIn(registry()),
                         [](const auto& each) { return each.param.name; });

TEST(AgentFlattening, NeedsRoomForAllThatTheDiskMayHold) {
    World world;
    prepare_flattening(world);
    auto guest = world.control.guests().front();
    guest.disks.front().size_bytes = 2LL << 30;  // the host has 1,000 MiB
    world.want(guest);
    Life life(world);
    life.go_on(lifetime);
    EXPECT_EQ(world.hypervisor.disk(guest.guest_id, wanted_disk.volume_id)->bases.size(), 2U);
    EXPECT_EQ(disks_told(world, guest.guest_id).back().flat, -1);
}

TEST(AgentStepsRegistry, HoldsEveryStep) {
    const auto entries = registry();
    for (int i = 1; !name_of(static_cast<Step>(i)).empty(); ++i) {
        const auto is_it = [&](const StepCase& entry) { return entry.step == static_cast<Step>(i); };
        EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), is_it))
            << "the step \"" << name_of(static_cast<Step>(i)) << "\" is not tested twice and dying";
    }
    EXPECT_EQ(name_of(Step::none), "none");
}

}  // namespace
}  // namespace lodge::agent
