#include <openssl/x509.h>

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "proto/base/encoding.h"
#include "proto/http/connection.h"
#include "proto/http/tls.h"

namespace lodge::http {
namespace {

struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

std::string fingerprint(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
    return hex_encode({reinterpret_cast<const char*>(digest.data()), size});
}

class TlsTransport final : public Transport {
  public:
    TlsTransport(Socket socket, net::ssl::context& context) : stream_(std::move(socket), context) {}

    void handshake(Completion done) override {
        stream_.async_handshake(net::ssl::stream_base::server, std::move(done));
    }

    std::string certificate_sha256() const override {
        auto* ssl = const_cast<Stream&>(stream_).native_handle();
        std::unique_ptr<X509, Free> certificate(SSL_get1_peer_certificate(ssl));
        if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return {};
        return fingerprint(certificate.get());
    }

    void read_some(net::mutable_buffer into, Completion done) override {
        stream_.async_read_some(into, std::move(done));
    }

    void write(const std::array<net::const_buffer, 2>& buffers, Completion done) override {
        net::async_write(stream_, buffers, std::move(done));
    }

    void shut_down(Completion done) override { stream_.async_shutdown(std::move(done)); }

    void read_raw(net::mutable_buffer into, Completion done) override {
        stream_.next_layer().async_read_some(into, std::move(done));
    }

    bool half_closes() const override { return false; }

    void set_hop_limit(int hops) override { http::set_hop_limit(stream_.next_layer(), hops); }

    void close() override {
        error_code ignored;
        stream_.next_layer().close(ignored);
    }

  private:
    using Stream = net::ssl::stream<Socket>;
    Stream stream_;
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(Socket socket, net::ssl::context& context) {
    return std::make_unique<TlsTransport>(std::move(socket), context);
}

}  // namespace lodge::http
