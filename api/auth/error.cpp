#include "api/auth/error.h"

namespace lodge::auth {
namespace {

constexpr std::string_view not_validated = "AWS was not able to validate the provided access credentials";

}  // namespace

tl::unexpected<AuthError> refuse(AuthFault fault, std::string message) {
    return tl::unexpected<AuthError>(AuthError{fault, std::move(message)});
}

Error to_ec2(const AuthError& error) {
    switch (error.fault) {
        case AuthFault::missing:
            return make_error(ErrorCode::missing_authentication_token);
        case AuthFault::expired:
            return make_error(ErrorCode::request_expired, {error.message});
        case AuthFault::unknown_key:
        case AuthFault::bad_signature:
            return make_error(ErrorCode::auth_failure, {not_validated});
        case AuthFault::malformed:
        case AuthFault::bad_scope:
        case AuthFault::in_future:
            break;
    }
    return make_error(ErrorCode::auth_failure, {std::string(not_validated) + ": " + error.message});
}

Error to_query(const AuthError& error) {
    switch (error.fault) {
        case AuthFault::missing:
            return make_error(ErrorCode::missing_authentication_token);
        case AuthFault::unknown_key:
            return make_error(ErrorCode::invalid_client_token_id);
        case AuthFault::malformed:
        case AuthFault::bad_scope:
        case AuthFault::in_future:
        case AuthFault::expired:
        case AuthFault::bad_signature:
            break;
    }
    return make_error(ErrorCode::signature_does_not_match, {error.message});
}

}  // namespace lodge::auth
