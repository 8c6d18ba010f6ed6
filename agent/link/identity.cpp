#include "agent/link/identity.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/link/http_link.h"
#include "proto/agent/messages.h"
#include "proto/pki/pki.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view token_prefix = "lodge1.";

struct Token {
    std::string secret;
    std::string ca_sha256;
};

Result<Token> parse_token(const std::string& text) {
    auto rest = text.starts_with(token_prefix) ? text.substr(token_prefix.size()) : "";
    auto dot = rest.find('.');
    if (dot == std::string::npos || dot == 0 || rest.size() - dot - 1 != 64)
        return fail(ErrorCode::invalid_input, "this is not a token of `lodge host token`");
    return Token{rest.substr(0, dot), rest.substr(dot + 1)};
}

Status write_private(const fs::path& file, std::string_view text) {
    auto temporary = file.string() + ".new";
    int fd = ::open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return fail(ErrorCode::io_failure, "cannot write " + temporary);
    bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    ::close(fd);
    if (!ok || ::rename(temporary.c_str(), file.c_str()) != 0)
        return fail(ErrorCode::io_failure, "cannot write " + file.string());
    return {};
}

Result<std::string> read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::not_found, "there is no " + file.string());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

Identity files_in(const fs::path& folder) {
    Identity identity;
    identity.ca_file = folder / "ca.pem";
    identity.certificate_file = folder / "host.pem";
    identity.key_file = folder / "host.key";
    return identity;
}

// The authority is fetched without trust and trusted by its fingerprint.
Result<std::string> fetch_authority(CURL* handle, const std::string& server, const std::string& sha256) {
    LODGE_TRY(auto pem, exchange(handle, {.url = "https://" + server + "/v1/ca"}));
    LODGE_TRY(auto found, pki::fingerprint_sha256(pem));
    if (found != sha256)
        return fail(ErrorCode::invalid_input,
                    "the control plane at " + server + " is not the one that made the token");
    return pem;
}

// Written before it is used: whoever asks again with the same key, since the answer got lost, is the same
// host.
Result<std::string> key_to_join_with(const fs::path& file) {
    if (auto known = read_file(file); known && pki::make_request_pem(*known, "lodge-agent")) return known;
    LODGE_TRY(auto key, pki::generate_private_key_pem());
    LODGE_CHECK(write_private(file, key));
    return key;
}

}  // namespace

Result<Identity> load_identity(const fs::path& folder) {
    auto identity = files_in(folder);
    LODGE_TRY(auto text, read_file(folder / "host.json"));
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("host_id") || !json.contains("server"))
        return fail(ErrorCode::invalid_input, (folder / "host.json").string() + " is damaged");
    auto id = HostId::parse(json["host_id"].get<std::string>());
    if (!id) return fail(ErrorCode::invalid_input, (folder / "host.json").string() + " names no host");
    identity.host_id = *id;
    identity.server = json["server"].get<std::string>();
    return identity;
}

Result<Identity> join(const fs::path& folder, const std::string& server, const std::string& token_text) {
    curl_init_once();
    CurlHandle handle(curl_easy_init());
    LODGE_TRY(auto token, parse_token(token_text));
    auto identity = files_in(folder);
    identity.server = server;
    LODGE_TRY(auto ca, fetch_authority(handle.get(), server, token.ca_sha256));
    LODGE_CHECK(write_private(identity.ca_file, ca));
    LODGE_TRY(auto key, key_to_join_with(identity.key_file));
    LODGE_TRY(auto csr, pki::make_request_pem(key, "lodge-agent"));
    auto body = link::to_json(link::JoinRequest{token.secret, csr});
    LODGE_TRY(auto text, exchange(handle.get(), {.url = "https://" + server + "/v1/join",
                                                 .body = &body,
                                                 .ca_file = identity.ca_file.string()}));
    LODGE_TRY(auto reply, link::from_json<link::JoinReply>(text));
    LODGE_CHECK(write_private(identity.certificate_file, reply.certificate_pem));
    identity.host_id = reply.host_id;
    nlohmann::json json = {{"host_id", reply.host_id.str()}, {"server", server}, {"zone", reply.zone}};
    LODGE_CHECK(write_private(folder / "host.json", json.dump(1)));
    return identity;
}

}  // namespace lodge::agent
