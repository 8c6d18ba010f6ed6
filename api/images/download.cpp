#include "api/images/download.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <memory>

namespace lodge::images {
namespace {

constexpr long connect_timeout_s = 30;
constexpr long stall_timeout_s = 60;
constexpr long least_bytes_per_s = 16 << 10;  // on an average of that minute: others wait meanwhile
constexpr int most_redirects = 10;
constexpr std::size_t most_page_bytes = 64 << 10;  // that comes with a redirect

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

// What libcurl's callbacks share. The first error of ours is kept here: libcurl only knows "aborted".
struct Transfer {
    CURL* curl;
    const FetchHooks& hooks;
    std::array<char, CURL_ERROR_SIZE> error_text = {};
    bool expected = false;
    std::size_t page_bytes = 0;
    Status status = {};

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

long status_of(CURL* curl) {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

bool redirects(CURL* curl) {
    return status_of(curl) / 100 == 3;
}

// Where the server says that it is instead, once all has come; empty: nowhere else.
std::string redirect_of(CURL* curl) {
    const char* url = nullptr;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &url);
    return url ? url : "";
}

std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (redirects(transfer.curl)) {  // a page for people
        transfer.page_bytes += size * count;
        return transfer.page_bytes <= most_page_bytes ? size * count : 0;
    }
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

void set_up(CURL* curl, const std::string& url, Transfer& transfer) {
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, least_bytes_per_s);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall_timeout_s);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "lodge");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer.error_text.data());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

// Asks one address. Where it redirects to, or nothing when that was all.
Result<std::string> ask(CURL* curl, const std::string& url, Transfer& transfer) {
    set_up(curl, url, transfer);
    transfer.page_bytes = 0;
    CURLcode code = curl_easy_perform(curl);
    if (!transfer.status) return tl::unexpected<Error>(transfer.status.error());
    auto refused = [&](const std::string& why) {
        return fail(ErrorCode::io_failure, fmt::format("cannot download {}: {}", url, why));
    };
    if (code != CURLE_OK && !redirects(curl))
        return refused(transfer.error_text[0] != '\0' ? transfer.error_text.data()
                                                      : curl_easy_strerror(code));
    auto next = redirect_of(curl);
    if (next.empty() && status_of(curl) != 200)
        return refused(fmt::format("the server answers with {}", status_of(curl)));
    return next;
}

}  // namespace

Status download(const std::string& url, const FetchHooks& hooks) {
    Curl curl(curl_easy_init(), &curl_easy_cleanup);
    if (!curl) return fail(ErrorCode::io_failure, "cannot start libcurl");
    Transfer transfer{curl.get(), hooks};
    std::string at = url;
    for (int hops = 0; hops <= most_redirects; ++hops) {
        LODGE_TRY(auto next, ask(curl.get(), at, transfer));
        if (next.empty()) return {};
        if (!next.starts_with("http://") && !next.starts_with("https://"))
            return fail(ErrorCode::io_failure,
                        fmt::format("cannot download {}: it redirects to {}", at, next));
        if (hooks.may_follow) LODGE_CHECK(hooks.may_follow(next));
        at = next;
    }
    return fail(ErrorCode::io_failure, fmt::format("cannot download {}: it redirects too often", url));
}

}  // namespace lodge::images
