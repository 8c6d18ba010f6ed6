#include "api/cli/client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>

namespace lodge::cli {
namespace {

using nlohmann::json;

constexpr long connect_timeout_s = 5;
constexpr std::size_t most_answer_bytes = 256 << 20;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

tl::unexpected<CallError> failed(ErrorCode code, std::string message, bool outcome_unknown) {
    return tl::unexpected<CallError>(CallError{{code, std::move(message)}, outcome_unknown});
}

std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* user) {
    auto& answer = *static_cast<std::string*>(user);
    if (answer.size() + size * count > most_answer_bytes) return 0;
    answer.append(bytes, size * count);
    return size * count;
}

std::string why_unreachable(const std::string& socket, long os_error) {
    switch (os_error) {
        case ENOENT:
        case ENOTDIR:
            return fmt::format(
                "lodged is not running: there is no {}. Start it (systemctl start lodged), or say where its "
                "state "
                "is: --state-dir DIR",
                socket);
        case ECONNREFUSED:
            return fmt::format(
                "lodged is not running: nobody listens on {}. Start it: systemctl start lodged", socket);
        case EACCES:
        case EPERM:
            return fmt::format("you may not open {}; run lodge as root or as the user lodged runs as",
                               socket);
        default:
            return fmt::format("cannot connect to lodged at {}: {}", socket,
                               std::generic_category().message(static_cast<int>(os_error)));
    }
}

tl::unexpected<CallError> transport_failure(CURL* curl, CURLcode code, const std::string& socket,
                                            long timeout_s) {
    long os_error = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_COULDNT_CONNECT)
        return failed(ErrorCode::service_unavailable, why_unreachable(socket, os_error), false);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return failed(
            ErrorCode::service_unavailable,
            fmt::format("lodged did not answer on {} within {} s; is it stuck? See: journalctl -u lodged",
                        socket, timeout_s),
            true);
    return failed(ErrorCode::io_failure,
                  fmt::format("lost lodged at {} while it was answering: {}. See: journalctl -u lodged",
                              socket, curl_easy_strerror(code)),
                  true);
}

std::string member(const json& body, const char* name) {
    auto found = body.is_object() ? body.find(name) : body.end();
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Answer<json> read_answer(long http_status, const std::string& text, const std::string& socket) {
    json body = json::parse(text, nullptr, false);
    bool server_fault = http_status >= 500;
    if (body.is_discarded())
        return failed(ErrorCode::internal_error,
                      fmt::format("{} answered something that is not JSON (HTTP {}); is it lodged's socket?",
                                  socket, http_status),
                      http_status < 400 || server_fault);
    if (http_status >= 200 && http_status < 300) return body;
    auto message = member(body, "message");
    if (message.empty()) message = fmt::format("lodged answered with HTTP status {}", http_status);
    return failed(code_from_wire(member(body, "code")), message, server_fault);
}

void set_up(CURL* curl, const std::string& url, const std::string& socket, long timeout_s,
            std::string& answer) {
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
}

}  // namespace

Answer<json> Client::get(std::string_view path) const {
    return call("GET", path, "", default_timeout_s);
}

Answer<json> Client::post(std::string_view path, const json& body, long timeout_s) const {
    // Arguments are the operator's bytes: what is not UTF-8 becomes U+FFFD instead of an exception.
    return call("POST", path, body.dump(-1, ' ', false, json::error_handler_t::replace), timeout_s);
}

Answer<json> Client::remove(std::string_view path) const {
    return call("DELETE", path, "", default_timeout_s);
}

Answer<json> Client::call(const char* method, std::string_view path, const std::string& body,
                          long timeout_s) const {
    if (socket_path_.size() >= sizeof sockaddr_un::sun_path)
        return failed(ErrorCode::invalid_input,
                      fmt::format("the socket's path is too long for Linux (107 bytes): {}", socket_path_),
                      false);
    Curl curl(curl_easy_init(), &curl_easy_cleanup);
    if (!curl) return failed(ErrorCode::io_failure, "cannot start libcurl", false);
    std::string answer;
    set_up(curl.get(), fmt::format("http://lodged{}", path), socket_path_, timeout_s, answer);
    Headers headers(curl_slist_append(nullptr, "Content-Type: application/json"), &curl_slist_free_all);
    curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method);
    if (!body.empty()) {
        curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
    }
    CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK) return transport_failure(curl.get(), code, socket_path_, timeout_s);
    long http_status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &http_status);
    return read_answer(http_status, answer, socket_path_);
}

}  // namespace lodge::cli
