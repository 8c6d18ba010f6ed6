// The one engine behind every Describe action: IDs, filters, tags and paging.
// A resource says what it is (Resource<R>); the engine does the rest.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/describe/filters.h"
#include "api/describe/paging.h"
#include "api/pipeline/context.h"

namespace lodge::describe {

template <class R>
struct Resource {
    bool (*well_formed)(std::string_view id);
    ErrorCode malformed;
    ErrorCode not_found;
    const FilterTable<R>& filters;
    const std::vector<Tag>& (*tags)(const R&);  // null: no tags
    std::string (*sort_key)(const R&);          // unique; the order of list()
    // One record by its ID, if the account can see it.
    std::function<std::optional<R>(db::Session&, const std::string& id)> find;
    // Records after the sort key `after` (empty: from the start) in its order; fewer than `limit` only at the
    // end.
    std::function<std::vector<R>(db::Session&, const std::string& after, std::int64_t limit)> list;
    // What the action shows at all, before filters; empty: everything. Found by ID but not wanted is left out
    // silently.
    std::function<bool(const R&)> wanted = {};
    // list() gives everything at once, whatever the limit.
    bool single_batch = false;
};

struct Query {
    const std::vector<std::string>& ids;
    const std::vector<ec2::Filter>& filters;
    std::optional<std::int64_t> max_results;
    std::optional<std::string> next_token;
};

template <class R>
struct Page {
    std::vector<R> records;
    std::optional<std::string> next_token;
};

inline Status check_combination(const Query& query) {
    if (query.ids.empty() || (!query.max_results && !query.next_token)) return {};
    return fail(ErrorCode::invalid_parameter_combination,
                "Resource IDs cannot be specified together with MaxResults or NextToken.");
}

// All of the given IDs in list()'s order, or the error for the first bad one; filters narrow it further.
template <class R>
Result<std::vector<R>> fetch_by_id(const std::vector<std::string>& ids, const Filters<R>& filters,
                                   const Resource<R>& resource, db::Session& session) {
    std::set<std::string_view> seen;
    for (const auto& id : ids)
        if (!resource.well_formed(id)) return fail(resource.malformed, id);
    std::vector<R> records;
    for (const auto& id : ids) {
        if (!seen.insert(id).second) continue;
        auto record = resource.find(session, id);
        if (!record) return fail(resource.not_found, id);
        if ((!resource.wanted || resource.wanted(*record)) && filters.accept(*record))
            records.push_back(std::move(*record));
    }
    std::sort(records.begin(), records.end(),
              [&](const R& a, const R& b) { return resource.sort_key(a) < resource.sort_key(b); });
    return records;
}

// Up to `wanted` records that the filters accept, and whether there are more.
template <class R>
Page<R> fetch_page(std::string after, std::size_t wanted, const Filters<R>& filters,
                   const Resource<R>& resource, const api::RequestContext& context, db::Session& session) {
    constexpr std::int64_t batch = 1000;
    Page<R> page;
    for (;;) {
        auto found = resource.list(session, after, batch);
        for (auto& record : found) {
            after = resource.sort_key(record);
            if ((resource.wanted && !resource.wanted(record)) || !filters.accept(record)) continue;
            if (page.records.size() == wanted) {
                page.next_token = make_token(context, resource.sort_key(page.records.back()));
                return page;
            }
            page.records.push_back(std::move(record));
        }
        if (resource.single_batch || found.size() < static_cast<std::size_t>(batch)) return page;
    }
}

template <class R>
Result<Page<R>> describe(api::RequestContext& context, const Query& query, const Resource<R>& resource) {
    LODGE_CHECK(check_combination(query));
    LODGE_TRY(auto filters, Filters<R>::make(query.filters, resource.filters, resource.tags));
    std::string after;
    if (query.next_token && !query.next_token->empty()) {
        LODGE_TRY(after, read_token(context, *query.next_token));
    }
    return context.read([&](db::Session& session) -> Result<Page<R>> {
        if (!query.ids.empty()) {
            LODGE_TRY(auto records, fetch_by_id(query.ids, filters, resource, session));
            return Page<R>{std::move(records), std::nullopt};
        }
        auto wanted = query.max_results ? static_cast<std::size_t>(*query.max_results) : std::string::npos;
        return fetch_page(std::move(after), wanted, filters, resource, context, session);
    });
}

}  // namespace lodge::describe
