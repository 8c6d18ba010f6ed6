#include "api/pipeline/dispatch.h"

#include "api/query/decode.h"
#include "proto/ec2/actions.h"

namespace lodge::api {
namespace {

// Decodes, runs, encodes one action. A read with DryRun has done all its checks by the time it is refused.
template <class Request, class Response, Result<Response> (*handler)(RequestContext&, const Request&),
          std::size_t index>
Result<std::string> run(RequestContext& context, const query::ParameterTree& parameters,
                        const query::Protocol& protocol) {
    Request request;
    LODGE_CHECK(query::decode(parameters, *ec2::actions[index].request, &request));
    if constexpr (requires { request.dry_run; }) context.dry_run = request.dry_run.value_or(false);
    LODGE_TRY(auto response, handler(context, request));
    if (context.dry_run) return fail(ErrorCode::dry_run_operation);
    return query::encode_response(protocol, ec2::actions[index], &response, context.request_id);
}

constexpr std::size_t index_of(std::string_view name) {
    constexpr std::string_view names[] = {
#define LODGE_NAME(Name, handler) #Name,
        LODGE_ACTIONS(LODGE_NAME)
#undef LODGE_NAME
    };
    std::size_t at = 0;
    while (names[at] != name) ++at;
    return at;
}

const Dispatch dispatches[] = {
#define LODGE_DISPATCH(Name, handler) \
    {&ec2::actions[index_of(#Name)],  \
     &run<ec2::Name##Request, ec2::Name##Response, &handler, index_of(#Name)>},
    LODGE_ACTIONS(LODGE_DISPATCH)
#undef LODGE_DISPATCH
};

}  // namespace

const Dispatch* find_dispatch(std::string_view service, std::string_view action) {
    for (const auto& each : dispatches)
        if (each.table->name == action && each.table->service == service) return &each;
    return nullptr;
}

}  // namespace lodge::api
