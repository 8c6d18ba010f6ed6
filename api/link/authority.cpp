#include "api/link/authority.h"

#include <fcntl.h>
#include <unistd.h>

#include "api/link/launch_data.h"
#include "db/store/settings.h"

namespace lodge::api {
namespace {

namespace fs = std::filesystem;

constexpr int authority_days = 36'500;
constexpr int server_days = 3'650;

Result<pki::Authority> load_authority(db::Database& database, UnixMs now_ms, Random& random) {
    return database.write([&](db::Session& session) -> Result<pki::Authority> {
        auto certificate = db::settings::get(session, "ca_certificate");
        auto key = db::settings::get(session, "ca_key");
        if (certificate && key) return pki::Authority{*certificate, *key};
        LODGE_TRY(auto made,
                  pki::make_authority("Lodge authority " + random.hex(8), {now_ms, authority_days}, random));
        db::settings::put(session, "ca_certificate", made.certificate_pem);
        db::settings::put(session, "ca_key", made.key_pem);
        return made;
    });
}

Status write_file(const fs::path& file, std::string_view text) {
    int fd = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return fail(ErrorCode::io_failure, "cannot write " + file.string());
    bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ok = ::close(fd) == 0 && ok;
    if (!ok) return fail(ErrorCode::io_failure, "cannot write " + file.string());
    return {};
}

}  // namespace

Result<LinkTls> prepare_link_tls(db::Database& database, const fs::path& folder,
                                 const std::vector<std::string>& names, UnixMs now_ms, Random& random) {
    LinkTls out;
    out.ca_file = folder / "ca.pem";
    out.certificate_file = folder / "server.pem";
    out.key_file = folder / "server.key";
    LODGE_TRY(out.authority, load_authority(database, now_ms, random));
    LODGE_TRY(out.identity_signer, load_identity_signer(database, now_ms, random));
    LODGE_TRY(out.ca_sha256, pki::fingerprint_sha256(out.authority.certificate_pem));
    LODGE_TRY(auto key, pki::generate_private_key_pem());
    LODGE_TRY(auto certificate,
              pki::sign_server(out.authority, "lodged", names, key, {now_ms, server_days}, random));
    std::error_code error;
    fs::create_directories(folder, error);
    fs::permissions(folder, fs::perms::owner_all, error);
    LODGE_CHECK(write_file(out.ca_file, out.authority.certificate_pem));
    LODGE_CHECK(write_file(out.certificate_file, certificate));
    LODGE_CHECK(write_file(out.key_file, key));
    return out;
}

}  // namespace lodge::api
