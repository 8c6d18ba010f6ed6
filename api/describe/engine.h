// The one engine behind every Describe action: IDs, filters, tags and paging.
// A resource says what it is (Resource<R>); the engine does the rest.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
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
    // find() depends on nothing but the account, the region and the store, so that what it found may be kept.
    bool keeps_found = false;
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

// Records by their IDs, out of what is kept as long as the store is as it was.
template <class R>
class Finder {
  public:
    Finder(const api::RequestContext& context, const Resource<R>& resource)
        : context_(context), resource_(resource), version_(context.services.database.version()) {}

    // Nothing, unless all of them are kept.
    std::vector<std::shared_ptr<const R>> kept(const std::vector<std::string>& ids) const {
        std::vector<std::shared_ptr<const R>> found;
        if (!resource_.keeps_found) return found;
        for (const auto& id : ids) {
            auto record = context_.services.records->find(version_, key(id));
            if (!record) return {};
            found.push_back(std::static_pointer_cast<const R>(std::move(record)));
        }
        return found;
    }

    Result<std::vector<std::shared_ptr<const R>>> read(db::Session& session,
                                                       const std::vector<std::string>& ids) const {
        std::vector<std::shared_ptr<const R>> found;
        for (const auto& id : ids) {
            auto record = resource_.find(session, id);
            if (!record) return fail(resource_.not_found, id);
            found.push_back(std::make_shared<const R>(std::move(*record)));
        }
        if (!resource_.keeps_found || context_.services.database.version() != version_) return found;
        for (std::size_t i = 0; i < ids.size(); ++i)
            context_.services.records->put(version_, key(ids[i]), found[i]);
        return found;
    }

  private:
    std::string key(const std::string& id) const {
        return context_.action + "/" + context_.account_id + "/" + context_.region + "/" + id;
    }

    const api::RequestContext& context_;
    const Resource<R>& resource_;
    const std::int64_t version_;
};

// All of the given IDs in list()'s order, or the error for the first bad one; filters narrow it further.
template <class R>
Result<std::vector<R>> fetch_by_id(api::RequestContext& context, const std::vector<std::string>& ids,
                                   const Filters<R>& filters, const Resource<R>& resource) {
    for (const auto& id : ids)
        if (!resource.well_formed(id)) return fail(resource.malformed, id);
    std::vector<std::string> each;
    std::set<std::string_view> seen;
    for (const auto& id : ids)
        if (seen.insert(id).second) each.push_back(id);
    const Finder<R> finder(context, resource);
    auto found = finder.kept(each);
    if (found.empty()) {
        LODGE_TRY(found, context.read([&](db::Session& session) { return finder.read(session, each); }));
    }
    std::vector<R> records;
    for (const auto& record : found)
        if ((!resource.wanted || resource.wanted(*record)) && filters.accept(*record))
            records.push_back(*record);
    std::sort(records.begin(), records.end(),
              [&](const R& a, const R& b) { return resource.sort_key(a) < resource.sort_key(b); });
    return records;
}

// Up to `wanted` records that the filters accept, and whether there are more.
template <class R>
Page<R> fetch_page(std::string after, std::size_t wanted, const Filters<R>& filters,
                   const Resource<R>& resource, const api::RequestContext& context, db::Session& session) {
    constexpr std::size_t largest_batch = 1'001;
    // One more than is wanted tells whether there are more; where filters leave little, batches grow.
    auto batch = static_cast<std::int64_t>(std::min(wanted, largest_batch - 1) + 1);
    Page<R> page;
    for (;; batch = std::min<std::int64_t>(batch * 4, largest_batch)) {
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
        if (resource.single_batch || std::ssize(found) < batch) return page;
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
    if (!query.ids.empty()) {
        LODGE_TRY(auto records, fetch_by_id(context, query.ids, filters, resource));
        return Page<R>{std::move(records), std::nullopt};
    }
    return context.read([&](db::Session& session) -> Result<Page<R>> {
        auto wanted = query.max_results ? static_cast<std::size_t>(*query.max_results) : std::string::npos;
        return fetch_page(std::move(after), wanted, filters, resource, context, session);
    });
}

}  // namespace lodge::describe
