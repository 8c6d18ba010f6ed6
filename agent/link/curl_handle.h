// libcurl with owners. Inside agent/link only.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace lodge::agent {

struct CurlRelease {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlRelease>;
using CurlHeaders = std::unique_ptr<curl_slist, CurlRelease>;

// Once per process, before any thread uses libcurl.
inline void curl_init_once() {
    static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(done);
}

}  // namespace lodge::agent
