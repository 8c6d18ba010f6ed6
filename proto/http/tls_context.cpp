#include <openssl/err.h>
#include <openssl/ssl.h>

#include "proto/http/tls.h"

namespace lodge::http {
namespace {

// Forward secrecy and authenticated encryption only. TLS 1.3's suites all are.
constexpr const char* tls12_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

tl::unexpected<Error> tls_failure(const std::string& what) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    auto text = "cannot " + what + ": " + (reason ? reason : "unknown reason");
    ERR_clear_error();
    return fail(ErrorCode::io_failure, text);
}

// Keeps OpenSSL from asking for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) {
    return -1;
}

Status set_policy(SSL_CTX* context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets need no memory of ours
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, tls12_ciphers) != 1)
        return tls_failure("set the TLS policy");
    return {};
}

Status load_identity(SSL_CTX* context, const Tls& tls) {
    SSL_CTX_set_default_passwd_cb(context, no_pass_phrase);
    if (SSL_CTX_use_certificate_chain_file(context, tls.certificate_chain_file.c_str()) != 1)
        return tls_failure("use the certificate " + tls.certificate_chain_file.string());
    if (SSL_CTX_use_PrivateKey_file(context, tls.private_key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return tls_failure("use the private key " + tls.private_key_file.string());
    return {};
}

// Without session resumption: each handshake looks at the certificate anew.
Status ask_for_client_certificate(SSL_CTX* context, const Tls& tls) {
    const char* file = tls.client_ca_file->c_str();
    if (SSL_CTX_load_verify_locations(context, file, nullptr) != 1)
        return tls_failure("use the client authority " + tls.client_ca_file->string());
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file));
    SSL_CTX_set_verify(
        context, SSL_VERIFY_PEER | (tls.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        nullptr);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return {};
}

}  // namespace

Result<std::unique_ptr<net::ssl::context>> make_tls_context(const Tls& tls) {
    if (tls.require_client_certificate && !tls.client_ca_file)
        return fail(ErrorCode::invalid_input, "Client certificates are required, but no authority is given.");
    auto context = std::make_unique<net::ssl::context>(net::ssl::context::tls_server);
    SSL_CTX* native = context->native_handle();
    LODGE_CHECK(set_policy(native));
    LODGE_CHECK(load_identity(native, tls));
    if (tls.client_ca_file) {
        LODGE_CHECK(ask_for_client_certificate(native, tls));
    }
    return context;
}

}  // namespace lodge::http
