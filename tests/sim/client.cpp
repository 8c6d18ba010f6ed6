#include "tests/sim/client.h"

#include <algorithm>

namespace lodge::sim {
namespace {

std::string word_of(const Answer& answer) {
    if (!answer) return "no answer";
    return *answer ? "ok" : std::string(wire_code(answer->error().code));
}

}  // namespace

std::vector<std::string> texts_of(const std::string& xml, const std::string& element) {
    std::vector<std::string> texts;
    const auto open = "<" + element + ">";
    for (auto at = xml.find(open); at != std::string::npos; at = xml.find(open, at)) {
        at += open.size();
        texts.push_back(xml.substr(at, xml.find('<', at) - at));
    }
    return texts;
}

Client::Client(std::string name, std::string account, Promises& promises, Dice& dice)
    : name_(std::move(name)), account_(std::move(account)), promises_(promises), dice_(dice) {}

std::string Client::act(const Call& call) {
    if (open_ && !dice_.once_in(3)) return settle(call);
    const auto choice = dice_.below(10);
    if (promises_.instances.empty() || (choice < 2 && !open_)) {
        static constexpr const char* types[] = {"t3.nano", "t3.micro", "t3.medium", "c5d.large"};
        const std::string token = name_ + "-" + std::to_string(launches_++);
        open_ = Launch{token,
                       {{"ImageId", image_id},
                        {"InstanceType", types[dice_.below(std::size(types))]},
                        {"MinCount", "1"},
                        {"MaxCount", std::to_string(dice_.between(1, 3))},
                        {"ClientToken", token}}};
        if (dice_.once_in(3)) {
            open_->words.emplace_back("BlockDeviceMapping.1.DeviceName", "/dev/sdf");
            open_->words.emplace_back("BlockDeviceMapping.1.Ebs.VolumeSize", "1");
            if (dice_.once_in(2)) open_->words.emplace_back("BlockDeviceMapping.1.Ebs.Encrypted", "true");
        }
        return settle(call);
    }
    if (dice_.once_in(3)) return use_volume(call);
    return choice < 8 ? change(call) : look(call);
}

std::string Client::settle(const Call& call) {
    return launch(call, *open_);
}

std::string Client::launch(const Call& call, const Launch& launch) {
    if (dice_.once_in(6)) {  // a rehearsal, of which nothing stays
        auto words = launch.words;
        words.emplace_back("DryRun", "true");
        return name_ + " RunInstances, dry: " + word_of(call(account_, "RunInstances", words));
    }
    promises_.tokens.insert(launch.token);
    auto answer = call(account_, "RunInstances", launch.words);
    auto said = name_ + " RunInstances " + launch.token + ": " + word_of(answer);
    if (!answer) return said;
    if (*answer) note_launched(launch.token, texts_of(**answer, "instanceId"));
    // An error may pass, as a full cloud's does; a launch that was refused made nothing.
    open_.reset();
    return said;
}

void Client::note_launched(const std::string& token, const std::vector<std::string>& ids) {
    auto sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    auto [known, is_new] = promises_.launched.try_emplace(token, sorted);
    if (sorted.empty()) complaint_ = "a launch that made nothing: " + token;
    if (!is_new && known->second != sorted) complaint_ = "one ClientToken, two results: " + token;
    promises_.instances.insert(sorted.begin(), sorted.end());
}

std::string Client::change(const Call& call) {
    static constexpr const char* actions[] = {"StartInstances", "StopInstances", "RebootInstances",
                                              "TerminateInstances"};
    auto at = promises_.instances.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(dice_.below(promises_.instances.size())));
    const std::string action = actions[dice_.below(4)];
    Words words = {{"InstanceId.1", *at}};
    if (action == "StopInstances" && dice_.once_in(3)) words.emplace_back("Force", "true");
    auto answer = call(account_, action, words);
    if (action == "TerminateInstances" && answer && *answer) promises_.terminating.insert(*at);
    return name_ + " " + action + " " + *at + ": " + word_of(answer);
}

std::string Client::use_volume(const Call& call) {
    static constexpr const char* actions[] = {"AttachVolume", "AttachVolume", "AttachVolume",
                                              "DetachVolume", "ModifyVolume", "DeleteVolume"};
    if (promises_.volumes.empty() || dice_.once_in(4))
        return make_volume(call, {{"AvailabilityZone", zone_name},
                                  {"Size", "1"},
                                  {"Encrypted", dice_.once_in(3) ? "true" : "false"}});
    if (dice_.once_in(3)) return use_snapshot(call);
    const bool take_off = !promises_.attached.empty() && dice_.once_in(2);
    const auto volume = pick(take_off ? promises_.attached : promises_.volumes);
    const std::string action = take_off ? "DetachVolume" : actions[dice_.below(std::size(actions))];
    Words words = {{"VolumeId", volume}};
    if (action == "AttachVolume") {
        words.emplace_back("InstanceId", pick(promises_.instances));
        words.emplace_back("Device", std::string("/dev/sd") + "fgh"[dice_.below(3)]);
    }
    if (action == "DetachVolume" && dice_.once_in(4)) words.emplace_back("Force", "true");
    if (action == "ModifyVolume") words.emplace_back("Size", std::to_string(dice_.between(1, 9)));
    if (action == "DeleteVolume") promises_.deleted.insert(volume);
    auto answer = call(account_, action, words);
    if (action == "AttachVolume" && answer && *answer) promises_.attached.insert(volume);
    if (action == "DetachVolume") promises_.attached.erase(volume);
    return name_ + " " + action + " " + volume + ": " + word_of(answer);
}

std::string Client::make_volume(const Call& call, Words words) {
    auto answer = call(account_, "CreateVolume", words);
    if (answer && *answer) promises_.volumes.insert(texts_of(**answer, "volumeId").front());
    return name_ + " CreateVolume: " + word_of(answer);
}

// Of one volume or of all of an instance's; volumes of them; and their end.
std::string Client::use_snapshot(const Call& call) {
    const auto choice = dice_.below(6);
    if (choice < 3 || promises_.snapshots.empty()) {
        const bool all = dice_.once_in(2);
        const Words words = all ? Words{{"InstanceSpecification.InstanceId", pick(promises_.instances)}}
                                : Words{{"VolumeId", pick(promises_.volumes)}};
        const std::string action = all ? "CreateSnapshots" : "CreateSnapshot";
        auto answer = call(account_, action, words);
        if (answer && *answer)
            for (const auto& id : texts_of(**answer, "snapshotId")) promises_.snapshots.insert(id);
        return name_ + " " + action + ": " + word_of(answer);
    }
    const auto snapshot = pick(promises_.snapshots);
    if (choice == 3)
        return make_volume(call, {{"AvailabilityZone", zone_name}, {"SnapshotId", snapshot}, {"Size", "9"}});
    promises_.forgotten.insert(snapshot);
    return name_ + " DeleteSnapshot " + snapshot + ": " +
           word_of(call(account_, "DeleteSnapshot", {{"SnapshotId", snapshot}}));
}

std::string Client::pick(const std::set<std::string>& ids) {
    auto at = ids.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(dice_.below(ids.size())));
    return *at;
}

std::string Client::look(const Call& call) {
    auto answer = call(account_, "DescribeInstances", {});
    auto said = name_ + " DescribeInstances: " + word_of(answer);
    if (!answer || !*answer) return said;
    auto seen = texts_of(**answer, "instanceId");
    for (const auto& each : texts_of(**answer, "ownerId"))
        if (each != account_) complaint_ = "an account sees another's: " + each;
    for (const auto& [token, ids] : promises_.launched)
        for (const auto& id : ids)
            if (std::find(seen.begin(), seen.end(), id) == seen.end() && !promises_.ended.contains(id))
                complaint_ = "lost: " + id + " of " + token;
    return said + " " + std::to_string(seen.size());
}

}  // namespace lodge::sim
