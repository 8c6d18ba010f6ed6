#include "scheduler/network/explain.h"

#include <algorithm>

#include "scheduler/network/explain_walk.h"
#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

using At = Arrival::At;

constexpr std::string_view provider_mac = "0e:6c:6f:64:67:65";  // of br-lodge-public, by deploy/ovn/serve

// The one by which the interface reaches, and is reached by, the other family's or its own.
std::optional<IpAddress> address_of_family(const InterfaceState& state, const IpAddress& wanted,
                                           bool is_ipv6) {
    if (wanted.is_ipv6() == is_ipv6) return wanted;
    for (const auto& each : state.addresses)
        if (each.is_ipv6 == is_ipv6) return IpAddress::parse(each.address);
    return std::nullopt;
}

// Whom a guest asks for an address, by ARP or because it is not on its link; nothing: nobody answers.
std::optional<std::string> next_mac(const Snapshot& snapshot, const SubnetState& subnet,
                                    const Packet& packet) {
    if (is_for_many(subnet, packet.destination)) return "ff:ff:ff:ff:ff:ff";
    auto router = mac_of(gateway_port(subnet.subnet));
    if (is_router_address(snapshot, packet.destination) && is_in(subnet, packet.destination)) return router;
    if (!service_at(snapshot, subnet, packet).empty()) return mac_of(subnet.subnet.id.str() + "/imds");
    if (!is_in(subnet, packet.destination)) return router;
    const auto* interface = find_interface(snapshot, subnet.subnet.id, packet.destination);
    if (!interface) return std::nullopt;
    return interface->interface.mac;
}

class Question {
  public:
    Question(const World& world, const Place& source, const Place& destination, const Traffic& traffic)
        : world_(world), source_(source), destination_(destination), traffic_(traffic) {}

    Explanation answer() {
        auto packet = begin();
        if (packet) go(*packet);
        out_.passes = !out_.steps.empty() && out_.steps.back().outcome != Outcome::stop;
        return std::move(out_);
    }

  private:
    void stop(bool of_reply, std::string text, std::string advice) {
        out_.steps.push_back({of_reply, Outcome::stop, std::move(text), std::move(advice)});
    }

    const InterfaceState* interface_of(const Place& place) const {
        auto vpc = world_.vpcs.find(place.vpc_id);
        return vpc == world_.vpcs.end() || place.interface_id.empty()
                   ? nullptr
                   : find_interface(vpc->second, place.interface_id);
    }

    // The packet as it sets out; nothing, with the reason among the steps, when there cannot be one.
    std::optional<Packet> begin() {
        sender_ = interface_of(source_);
        receiver_ = interface_of(destination_);
        return source_.vpc_id.empty() ? begin_outside() : begin_inside();
    }

    std::optional<Packet> begin_inside() {
        if (!sender_) {
            stop(false, "no interface in " + source_.vpc_id.str() + " has " + source_.address.str(),
                 "Nobody sends from this address; look for the one that was meant.");
            return std::nullopt;
        }
        if (sender_->interface.interface_type == "nat_gateway") {
            stop(false, sender_->interface.id.str() + " is a NAT gateway's, which begins no connections",
                 "Ask from an instance behind it.");
            return std::nullopt;
        }
        auto to = destination_.public_address.value_or(destination_.address);
        auto from = address_of_family(*sender_, source_.address, to.is_ipv6());
        if (!from) {
            stop(false, sender_->interface.id.str() + " has no IPv" + (to.is_ipv6() ? "6" : "4") + " address",
                 "Assign it one.");
            return std::nullopt;
        }
        auto packet = first_packet(traffic_, *from, to);
        const auto& snapshot = world_.vpcs.at(source_.vpc_id);
        const auto* subnet = find_subnet(snapshot, sender_->interface.subnet_id);
        if (!subnet) return packet;
        if (auto mac = next_mac(snapshot, *subnet, packet))
            out_.microflow = microflow(subnet->subnet.id.str(), sender_->interface.port_uuid,
                                       sender_->interface.mac, *mac, packet);
        return packet;
    }

    std::optional<Packet> begin_outside() {
        auto to = destination_.public_address;
        if (!to && receiver_) to = name_outside();
        if (!to) {
            bool of_ipv6 = source_.address.is_ipv6();
            stop(false,
                 destination_.name + (of_ipv6 ? " has no IPv6 address" : " has no public address") +
                     ": nothing outside can name it",
                 of_ipv6 ? "Assign it one." : "Associate an Elastic IP with it: aws ec2 associate-address.");
            return std::nullopt;
        }
        if (to->is_ipv6() != source_.address.is_ipv6()) {
            stop(false, to->str() + " and " + source_.address.str() + " are of two families",
                 "Name an address outside of the same family.");
            return std::nullopt;
        }
        auto packet = first_packet(traffic_, source_.address, *to);
        out_.microflow = microflow(std::string(public_switch), std::string(public_switch) + "/localnet",
                                   std::string(provider_mac), answering_mac(*to), packet);
        return packet;
    }

    // By which address the source's family knows the receiver outside.
    std::optional<IpAddress> name_outside() const {
        if (source_.address.is_ipv6()) return address_of_family(*receiver_, destination_.address, true);
        for (const auto& mapping : receiver_->mappings)
            if (mapping.private_ip == destination_.address.str()) return IpAddress::parse(mapping.public_ip);
        return std::nullopt;
    }

    // Whom the public network finds by ARP or neighbour discovery.
    std::string answering_mac(const IpAddress& address) const {
        if (receiver_) return mac_of(receiver_->interface.id.str() + "/" + address.str());
        auto vpc = world_.vpcs.find(destination_.vpc_id);
        return mac_of(vpc == world_.vpcs.end() ? "" : public_port(vpc->second.vpc));
    }

    // A router's own answer passes the trackers of its way back as one.
    void expect_answer() {
        if (!out_.microflow) return;
        auto& tracking = out_.microflow->tracking;
        std::fill(tracking.begin() + (sender_ ? 1 : 0), tracking.end(), "est,rpl");
    }

    void go(const Packet& first) {
        Translations translations;
        Walk there(world_, first, false, translations, out_.steps);
        auto arrival = source_.vpc_id.empty()
                           ? there.from_outside()
                           : there.from_interface(world_.vpcs.at(source_.vpc_id), *sender_);
        if (arrival.at == At::router) expect_answer();
        if (arrival.at == At::nowhere || !is_right(arrival, there.packet())) return;
        if (arrival.at != At::interface && arrival.at != At::outside) return;
        out_.steps.push_back(
            {true, Outcome::note, "security groups are stateful: the reply needs no rule of theirs", ""});
        Walk back(world_, reply_to(there.packet()), true, translations, out_.steps);
        auto returned = arrival.at == At::interface ? back.from_interface(*arrival.vpc, *arrival.interface)
                                                    : back.from_outside();
        if (returned.at == At::nowhere) return;
        bool home = sender_ ? returned.interface == sender_ : returned.at == At::outside;
        if (!home || back.packet().destination != first.source)
            stop(true,
                 "the reply to " + first.source.str() + " does not find its way back to " + source_.name,
                 "Look at the routes of both sides: they must lead to each other.");
    }

    // Whether it has come to whom was meant.
    bool is_right(const Arrival& arrival, const Packet& packet) {
        if (destination_.vpc_id.empty() || arrival.interface == receiver_) return true;
        if (arrival.at == At::forwarder) return true;
        if (arrival.at == At::outside) {
            stop(false,
                 packet.destination.str() + " is a private address of " + destination_.vpc_id.str() +
                     ", which the outside does not lead to",
                 "Peer the two VPCs, or use a public address.");
            return false;
        }
        if (arrival.vpc && arrival.vpc->vpc.id == destination_.vpc_id && !receiver_) return true;
        stop(false,
             packet.destination.str() + " is another's in " + (arrival.vpc ? arrival.vpc->vpc.id.str() : "") +
                 ", not " + destination_.name,
             "VPCs whose CIDRs overlap do not reach each other by private addresses.");
        return false;
    }

    const World& world_;
    const Place& source_;
    const Place& destination_;
    const Traffic& traffic_;
    const InterfaceState* sender_ = nullptr;
    const InterfaceState* receiver_ = nullptr;
    Explanation out_;
};

}  // namespace

Explanation explain(const World& world, const Place& source, const Place& destination,
                    const Traffic& traffic) {
    return Question(world, source, destination, traffic).answer();
}

std::string_view word(Outcome outcome) {
    switch (outcome) {
        case Outcome::pass:
            return "pass";
        case Outcome::stop:
            return "stop";
        case Outcome::note:
            break;
    }
    return "note";
}

}  // namespace lodge::network
