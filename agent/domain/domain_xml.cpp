#include "agent/domain/domain_xml.h"

#include <pugixml.hpp>

#include "agent/domain/devices.h"
#include "agent/domain/guest_tag.h"
#include "agent/domain/xml_text.h"
#include "proto/base/encoding.h"

namespace lodge::agent {
namespace {

using pugi::xml_node;

constexpr const char* name_prefix = "lodge-";
constexpr const char* vendor = "Amazon EC2";  // guests' tools look for it in the firmware's tables

void add_text(xml_node parent, const char* name, const std::string& value) {
    parent.append_child(name).text().set(value.c_str());
}

void add_identity(xml_node domain, const GuestSpec& spec) {
    add_text(domain, "name", domain_name(spec.guest_id));
    add_text(domain, "uuid", domain_uuid(spec.instance_id));
    xml_node metadata = domain.append_child("metadata");
    write_guest_tag(metadata, {spec.guest_id, spec.instance_id, spec.host_id});
    write_held_mark(metadata);
}

// One socket, as EC2's types have. libvirt refuses a topology that is not exactly `vcpus`.
void add_topology(xml_node cpu, const GuestSpec& spec) {
    const bool given = spec.core_count > 0 && spec.core_count * spec.threads_per_core == spec.vcpus;
    xml_node topology = cpu.append_child("topology");
    topology.append_attribute("sockets") = 1;
    topology.append_attribute("cores") = static_cast<long long>(given ? spec.core_count : spec.vcpus);
    topology.append_attribute("threads") = static_cast<long long>(given ? spec.threads_per_core : 1);
}

// Emulated, "maximum" is all that QEMU can emulate: what needs x86-64-v2 runs, and it boots as fast as qemu64
// does.
void add_processor(xml_node domain, const GuestSpec& spec, bool kvm) {
    xml_node memory = domain.append_child("memory");
    memory.append_attribute("unit") = "MiB";
    memory.text().set(static_cast<long long>(spec.memory_mib));
    domain.append_child("vcpu").text().set(static_cast<long long>(spec.vcpus));
    xml_node cpu = domain.append_child("cpu");
    cpu.append_attribute("mode") = kvm ? "host-passthrough" : "maximum";
    add_topology(cpu, spec);
}

void add_entry(xml_node parent, const char* name, const std::string& value) {
    xml_node entry = parent.append_child("entry");
    entry.append_attribute("name") = name;
    entry.text().set(value.c_str());
}

// SMBIOS as EC2's guests know it. cloud-init wants the serial to equal the UUID; on Nitro the board's asset
// tag is the instance's ID.
void add_smbios(xml_node domain, const GuestSpec& spec) {
    xml_node info = domain.append_child("sysinfo");
    info.append_attribute("type") = "smbios";
    add_entry(info.append_child("bios"), "vendor", vendor);
    xml_node system = info.append_child("system");
    add_entry(system, "manufacturer", vendor);
    add_entry(system, "product", spec.instance_type);
    add_entry(system, "serial", domain_uuid(spec.instance_id));
    add_entry(system, "uuid", domain_uuid(spec.instance_id));
    xml_node board = info.append_child("baseBoard");
    add_entry(board, "manufacturer", vendor);
    add_entry(board, "asset", spec.instance_id.str());
    xml_node chassis = info.append_child("chassis");
    add_entry(chassis, "manufacturer", vendor);
    add_entry(chassis, "asset", vendor);
}

// The variables are a file of the storage's, so libvirt needs no template to make one of.
void add_firmware(xml_node os, const Firmware& firmware) {
    xml_node loader = os.append_child("loader");
    loader.append_attribute("readonly") = "yes";
    loader.append_attribute("type") = "pflash";
    loader.text().set(firmware.code_path.c_str());
    add_text(os, "nvram", firmware.variables_path);
}

void add_boot(xml_node domain, const GuestSpec& spec) {
    xml_node os = domain.append_child("os");
    xml_node type = os.append_child("type");
    type.append_attribute("arch") = spec.architecture == "i386" ? "x86_64" : spec.architecture.c_str();
    type.append_attribute("machine") = "q35";
    type.text().set("hvm");
    if (spec.firmware) add_firmware(os, *spec.firmware);
    if (!spec.kernel_path.empty()) {
        add_text(os, "kernel", spec.kernel_path);
        if (!spec.ramdisk_path.empty()) add_text(os, "initrd", spec.ramdisk_path);
        if (!spec.kernel_cmdline.empty()) add_text(os, "cmdline", spec.kernel_cmdline);
    } else {
        os.append_child("boot").append_attribute("dev") = "hd";
    }
    os.append_child("smbios").append_attribute("mode") = "sysinfo";
}

void add_timer(xml_node clock, const char* name, const char* attribute, const char* value) {
    xml_node timer = clock.append_child("timer");
    timer.append_attribute("name") = name;
    timer.append_attribute(attribute) = value;
}

// Under KVM guests have its clock, and an HPET only costs wake-ups; emulated guests may need one to calibrate
// theirs.
void add_clock(xml_node domain, bool kvm) {
    xml_node clock = domain.append_child("clock");
    clock.append_attribute("offset") = "utc";
    if (!kvm) return;
    add_timer(clock, "rtc", "tickpolicy", "catchup");
    add_timer(clock, "pit", "tickpolicy", "delay");
    add_timer(clock, "hpet", "present", "no");
}

// A guest that suspends itself would never wake: EC2 has no such state.
void add_power(xml_node domain) {
    xml_node features = domain.append_child("features");
    features.append_child("acpi");
    features.append_child("apic");
    add_text(domain, "on_poweroff", "destroy");
    add_text(domain, "on_reboot", "restart");
    add_text(domain, "on_crash", "destroy");
    xml_node pm = domain.append_child("pm");
    pm.append_child("suspend-to-mem").append_attribute("enabled") = "no";
    pm.append_child("suspend-to-disk").append_attribute("enabled") = "no";
}

}  // namespace

std::string domain_name(const GuestId& guest_id) {
    return name_prefix + guest_id.str();
}

bool is_domain_name(std::string_view name) {
    return name.starts_with(name_prefix);
}

std::string domain_uuid(const InstanceId& instance_id) {
    const std::string& id = instance_id.str();
    const std::string digest = hex_encode(sha256(id));
    // The ID's digits, or, of a short ID, those of its digest as well.
    const std::string digits = (id.substr(id.find('-') + 1) + digest).substr(0, id_digits);
    return "ec2" + digits.substr(0, 5) + "-" + digits.substr(5, 4) + "-8" + digits.substr(9, 3) + "-a" +
           digits.substr(12, 3) + "-" + digits.substr(15, 2) + digest.substr(0, 10);
}

std::string domain_xml(const GuestSpec& spec, const DomainOptions& options) {
    const bool kvm = options.type == "kvm";
    pugi::xml_document document;
    xml_node domain = document.append_child("domain");
    domain.append_attribute("type") = options.type.c_str();
    add_identity(domain, spec);
    add_processor(domain, spec, kvm);
    add_smbios(domain, spec);
    add_boot(domain, spec);
    add_clock(domain, kvm);
    add_power(domain);
    add_devices(domain, spec);
    return text_of(document);
}

}  // namespace lodge::agent
