#include "api/images/download.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <memory>

namespace lodge::images {
namespace {

constexpr long connect_timeout_s = 30;
constexpr long stall_timeout_s = 60;
constexpr long most_redirects = 10;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

// What libcurl's callbacks share. The first error of ours is kept here: libcurl only knows "aborted".
struct Transfer {
    CURL* curl;
    const FetchHooks& hooks;
    bool expected = false;
    Status status;

    bool keep(Status outcome) {
        if (status && !outcome) status = std::move(outcome);
        return status.has_value();
    }
};

curl_off_t length_of(CURL* curl) {
    curl_off_t length = -1;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}

std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (!transfer.expected) {
        transfer.expected = true;
        auto length = length_of(transfer.curl);
        if (length > 0 && transfer.hooks.expect && !transfer.keep(transfer.hooks.expect(length))) return 0;
    }
    return transfer.keep(transfer.hooks.write({bytes, size * count})) ? size * count : 0;
}

int on_progress(void* user, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (transfer.hooks.cancelled && transfer.hooks.cancelled())
        return transfer.keep(fail(ErrorCode::io_failure, "interrupted")) ? 0 : 1;
    if (transfer.hooks.progress && done > 0) transfer.hooks.progress(done, total);
    return 0;
}

void set_up(CURL* curl, const std::string& url, Transfer& transfer, char* error_text) {
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, most_redirects);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall_timeout_s);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "lodge");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

}  // namespace

Status download(const std::string& url, const FetchHooks& hooks) {
    Curl curl(curl_easy_init(), &curl_easy_cleanup);
    if (!curl) return fail(ErrorCode::io_failure, "cannot start libcurl");
    std::array<char, CURL_ERROR_SIZE> error_text{};
    Transfer transfer{curl.get(), hooks, false, {}};
    set_up(curl.get(), url, transfer, error_text.data());
    CURLcode code = curl_easy_perform(curl.get());
    if (!transfer.status) return transfer.status;
    if (code == CURLE_OK) return {};
    const char* why = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code);
    return fail(ErrorCode::io_failure, fmt::format("cannot download {}: {}", url, why));
}

}  // namespace lodge::images
