// STS GetCallerIdentity: who the signature says you are.
#include "api/pipeline/context.h"
#include "proto/ec2/handlers.h"

namespace lodge::api {

Result<ec2::GetCallerIdentityResponse> get_caller_identity(RequestContext& context,
                                                           const ec2::GetCallerIdentityRequest&) {
    // An account's keys are its root's: there are no IAM users.
    return ec2::GetCallerIdentityResponse{context.account_id, context.account_id,
                                          "arn:aws:iam::" + context.account_id + ":root"};
}

}  // namespace lodge::api
