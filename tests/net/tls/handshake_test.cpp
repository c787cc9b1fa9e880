// Who is accepted as a peer, and what is said when it is not.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../../support/far_ends.hpp"
#include "../../support/in_child.hpp"
#include "../../support/thrown.hpp"
#include "../../support/tls_ends.hpp"
#include "base/error.hpp"
#include "net/tls/key_log.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

/// The outcome of a handshake for both.
struct Outcome {
  Failure client, server;
  std::optional<TlsFacts> facts, server_facts;
};

Outcome outcome(const TlsOptions& client, const TlsOptions& server) {
  TlsEnds ends;
  ends.shake(context(client), context(server));
  Outcome outcome{ends.client_failure, ends.server_failure, {}, {}};
  if (ends.client.tls) outcome.facts = *ends.client.tls;
  if (ends.server.tls) outcome.server_facts = *ends.server.tls;
  return outcome;
}

bool is_accepted(const Outcome& outcome) {
  return outcome.client.status == ExitCode::done && outcome.server.status == ExitCode::done;
}

std::string pin_of_file(const CertificateFiles& files) {
  return pin_of(load_identity(files.certificate, files.key, nullptr).certificate.get());
}

}  // namespace

TEST_CASE("tls: a peer is verified by chain and name, and the facts say so") {
  Authority authority("the authority");
  const auto files = authority.sign();
  const auto it = outcome(client_options(authority.file()), server_options(files));
  REQUIRE(it.client.message == "");
  REQUIRE(it.server.message == "");
  CHECK(it.facts->version == "TLSv1.3");
  CHECK(it.facts->cipher.starts_with("TLS_"));
  CHECK(it.facts->server_name == "localhost");
  CHECK(it.facts->peer.subject == "CN=a peer");
  CHECK(it.facts->peer.issuer == "CN=the authority");
  CHECK(it.facts->peer.names == std::vector<std::string>{"localhost", "127.0.0.1"});
  CHECK(it.facts->peer.not_after.ends_with("Z"));
  CHECK(it.facts->peer.pin == pin_of_file(files));
  CHECK(name_of(it.facts->verified_by) == "chain");
  CHECK(it.server_facts->server_name == "localhost");
  CHECK(it.server_facts->peer.subject == "");
  CHECK(name_of(it.server_facts->verified_by) == "nothing");
}

TEST_CASE("tls: an authority is trusted by a folder of hashed links too, and another folder is refused") {
  Authority authority("the authority");
  Folder folder;
  const auto missing = thrown_by<BadInput>([&] { context(client_options(folder.path())); });
  REQUIRE(missing);
  CHECK(std::string(missing->what()).find("has no hashed links to certificates") != std::string::npos);
  fs::copy_file(authority.file(), folder / "ca.pem");
  REQUIRE(system(("openssl rehash " + folder.path()).c_str()) == 0);
  CHECK(is_accepted(outcome(client_options(folder.path()), server_options(authority.sign()))));
}

TEST_CASE("tls: a peer that is not who it should be is refused, with the reason and its pin") {
  Authority authority("the authority"), other("another");
  const auto good = authority.sign();
  const auto wrong_pin = "sha256//" + std::string(43, 'A') + "=";
  struct Case {
    const char* what;
    TlsOptions client;
    CertificateFiles server;
    std::string said;
  };
  const auto with = [&](const CertificateRequest& request) { return authority.sign(request); };
  auto pinned = client_options(authority.file());
  pinned.pins = {wrong_pin};
  auto insecure = client_options("");
  insecure.is_insecure = true;
  insecure.pins = {wrong_pin};
  const std::vector<Case> cases{
      {"an unknown authority", client_options(other.file()), good,
       "unable to get local issuer certificate (issuer CN=the authority)"},
      {"another name", client_options(authority.file(), "example.com"), good,
       "the certificate is not for example.com, but for localhost, 127.0.0.1"},
      {"another address", client_options(authority.file(), "127.0.0.2"), good,
       "the certificate is not for 127.0.0.2, but for localhost, 127.0.0.1"},
      {"a name that ends at a NUL", client_options(authority.file()),
       with({.names = "DER:30:0f:82:0d:6c:6f:63:61:6c:68:6f:73:74:00:2e:78:79"}),
       "the certificate is not for localhost, but for localhost\\x00.xy"},
      {"expired", client_options(authority.file()), with({.first_day = -3, .last_day = -1}),
       "certificate has expired (notAfter "},
      {"not yet valid", client_options(authority.file()), with({.first_day = 1, .last_day = 3}),
       "certificate is not yet valid (notBefore "},
      {"self-signed", client_options(authority.file()), {}, "self-signed certificate"},
      {"another key than the pin's", pinned, good, "the peer's key is not " + wrong_pin},
      {"another key, insecure", insecure, good, "the peer's key is not " + wrong_pin},
  };
  for (const auto& [what, client, server, said] : cases) {
    CAPTURE(what);
    const auto it = outcome(client, server_options(server));
    CHECK(it.client.status == ExitCode::tls);
    CAPTURE(it.client.message);
    CHECK(it.client.message.starts_with("TLS server:443: " + said));
    CHECK(it.client.message.find("; presented sha256//") != std::string::npos);
    CHECK(it.server.status == ExitCode::tls);
    CHECK(it.server.message.starts_with("TLS the client: the peer has ended it with the alert '"));
  }
}

TEST_CASE("tls: a pin alone is the proof, whatever name, date and issuer the certificate has") {
  Authority authority("the authority");
  const auto files = authority.sign({.names = "DNS:elsewhere", .first_day = -3, .last_day = -1});
  TlsOptions client;
  client.name = "example.com";
  client.pins = parse_pins("sha256//" + std::string(43, 'A') + "=;" + pin_of_file(files));
  const auto it = outcome(client, server_options(files));
  REQUIRE(is_accepted(it));
  CHECK(name_of(it.facts->verified_by) == "pin");
}

TEST_CASE("tls: with an authority the right pin is not enough") {
  Authority authority("the authority");
  const auto files = authority.sign({.names = "DNS:elsewhere"});
  auto client = client_options(authority.file());
  client.pins = {pin_of_file(files)};
  CHECK(outcome(client, server_options(files)).client.status == ExitCode::tls);
  client.name = "elsewhere";
  const auto it = outcome(client, server_options(files));
  REQUIRE(is_accepted(it));
  CHECK(name_of(it.facts->verified_by) == "chain and pin");
}

TEST_CASE("tls: an insecure client takes any certificate and learns its pin") {
  TlsOptions client;
  client.is_insecure = true;
  const auto server = context(server_options());
  TlsEnds ends;
  ends.shake(context(client), server);
  REQUIRE(ends.client_failure.message == "");
  CHECK(server->is_ephemeral());
  CHECK(ends.client.tls->peer.pin == server->pin());
  CHECK(name_of(ends.client.tls->verified_by) == "nothing");
}

TEST_CASE("tls: a client without a name to verify, a pin or leave is refused before it connects") {
  const auto refused = thrown_by<BadInput>([] {
    context(client_options(""));
    context(client_options("", ""));
  });
  REQUIRE(refused);
  CHECK(refused->mend == "tls-name");
}

TEST_CASE("tls: a server's own certificate has a P-256 key, and the names and addresses of the host") {
  const auto identity = make_certificate({"localhost", "127.0.0.1", "::1", "bad,name"});
  const auto facts = facts_of(identity.certificate.get());
  CHECK(facts.names == std::vector<std::string>{"localhost", "127.0.0.1", "::1"});
  CHECK(facts.pin.size() == 52);
  const auto names = names_of_this_host();
  CHECK(std::ranges::find(names, "127.0.0.1") != names.end());
}

TEST_CASE("tls: a certificate is good for an address, and for a name with a dot at its end") {
  Authority authority("the authority");
  const auto files = authority.sign({.names = "DNS:*.example.com,IP:::1,IP:10.0.0.1"});
  for (const auto* const name : {"a.example.com", "a.example.com.", "::1", "10.0.0.1", "A.EXAMPLE.com"}) {
    CAPTURE(name);
    CHECK(is_accepted(outcome(client_options(authority.file(), name), server_options(files))));
  }
  for (const auto* const name : {"example.com", "a.b.example.com", "::2"}) {
    CAPTURE(name);
    CHECK(outcome(client_options(authority.file(), name), server_options(files)).client.status ==
          ExitCode::tls);
  }
}

TEST_CASE("tls: a server demands the certificate of a client that it can verify") {
  Authority authority("the authority"), other("another");
  auto server = server_options(authority.sign());
  server.ca = authority.file();
  for (const auto min_version : {TlsOptions::Version::tls12, TlsOptions::Version::tls13}) {
    server.min_version = min_version;
    auto client = client_options(authority.file());
    const auto without = outcome(client, server);
    CHECK(without.server.status == ExitCode::tls);
    CHECK(without.server.message == "TLS the client: the peer has presented no certificate");
    const auto files = authority.sign({.subject = "a client", .names = ""});
    client.certificate = files.certificate;
    client.key = files.key;
    const auto with = outcome(client, server);
    REQUIRE(is_accepted(with));
    CHECK(with.server_facts->peer.subject == "CN=a client");
    CHECK(name_of(with.server_facts->verified_by) == "chain");
    const auto foreign = other.sign();
    client.certificate = foreign.certificate;
    client.key = foreign.key;
    CHECK(outcome(client, server)
              .server.message.starts_with("TLS the client: unable to get local issuer certificate (issuer "
                                          "CN=another); presented sha256//"));
  }
}

TEST_CASE("tls: a server may know its clients by their pins") {
  Authority authority("the authority");
  const auto files = authority.sign();
  auto client = client_options(authority.file());
  client.certificate = files.certificate;
  client.key = files.key;
  auto server = server_options(authority.sign());
  server.pins = {pin_of_file(files)};
  CHECK(is_accepted(outcome(client, server)));
  client.certificate = client.key = "";
  CHECK(outcome(client, server).server.status == ExitCode::tls);
}

TEST_CASE("tls: version, ciphers and protocol are agreed upon, or the handshake ends") {
  Authority authority("the authority");
  const auto files = authority.sign();
  auto client = client_options(authority.file());
  auto server = server_options(files);
  server.alpn = {"h2", "http/1.1"};
  client.alpn = {"x", "http/1.1", "h2"};
  CHECK(outcome(client, server).facts->alpn == "h2");
  CHECK(outcome(client, server).server_facts->alpn == "h2");
  client.alpn = {"x"};
  const auto none = outcome(client, server);
  CHECK(none.client.message ==
        "TLS server:443: the peer has ended it with the alert 'no application protocol'");
  CHECK(none.server.status == ExitCode::tls);
  server.alpn.clear();
  CHECK(outcome(client, server)
            .client.message.starts_with("TLS server:443: the server has chosen none of the protocols x"));
  client.alpn.clear();

  client.ciphers = "TLS_CHACHA20_POLY1305_SHA256";
  CHECK(outcome(client, server).facts->cipher == "TLS_CHACHA20_POLY1305_SHA256");
  client.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  server.min_version = TlsOptions::Version::tls13;
  CHECK(outcome(client, server).facts->version == "TLSv1.3");
  client.ciphers = "NONE-SUCH";
  CHECK(thrown_by<BadInput>([&] { context(client); })->wrong == "tls-ciphers");
}

TEST_CASE("tls: files that are not what they should be are refused when they are read") {
  Authority authority("the authority");
  const auto files = authority.sign(), other = authority.sign();
  const auto wrong = [&](const CertificateFiles& given) {
    const auto error = thrown_by<BadInput>([&] { context(server_options(given)); });
    return error ? error->wrong + ": " + error->what() : "";
  };
  CHECK(wrong({files.certificate, other.key}).starts_with("tls-key: the key in '"));
  CHECK(wrong({files.key, files.key}).find("has no certificate in PEM") != std::string::npos);
  CHECK(wrong({files.certificate, files.certificate}).find("has no private key in PEM") != std::string::npos);
  CHECK(wrong({"", files.key}).starts_with("tls-key: a key is of no use"));
  CHECK(thrown_by<Error>([&] { context(server_options({"/nonesuch", files.key})); })->number() == ENOENT);
  CHECK(thrown_by<Error>([&] { context(client_options("/nonesuch")); })->number() == ENOENT);
  CHECK(thrown_by<BadInput>([&] { context(client_options(files.key)); })->wrong == "tls-ca");
  CHECK(thrown_by<BadInput>([] { parse_pins("sha256//short="); })->wrong == "tls-pin");
}

TEST_CASE("tls: an encrypted key is opened by the passphrase that is asked for once") {
  Authority authority("the authority");
  auto files = authority.sign();
  Folder folder;
  const auto encrypted = folder / "key.pem";
  REQUIRE(
      system(("openssl pkey -aes128 -passout pass:open -in " + files.key + " -out " + encrypted).c_str()) ==
      0);
  files.key = encrypted;
  auto options = server_options(files);
  CHECK(std::string(thrown_by<BadInput>([&] { context(options); })->what()).find("is encrypted") !=
        std::string::npos);
  int asked = 0;
  options.ask_passphrase = [&](const std::string&) {
    ++asked;
    return std::string("open");
  };
  const auto made = context(options);
  made->reload();
  CHECK(asked == 1);
  options.ask_passphrase = [](const std::string&) { return std::string("wrong"); };
  CHECK(thrown_by<BadInput>([&] { context(options); })->wrong == "tls-key");
}

TEST_CASE("tls: a certificate that is read again serves the connections from then on") {
  Authority authority("the authority");
  const auto first = authority.sign(), second = authority.sign();
  const auto server = context(server_options(first));
  TlsEnds before;
  before.shake(context(client_options(authority.file())), server);
  fs::copy_file(second.certificate, first.certificate, fs::copy_options::overwrite_existing);
  CHECK_THROWS_AS(server->reload(), BadInput);  // the key is still the other one
  CHECK(server->pin() == before.client.tls->peer.pin);
  fs::copy_file(second.key, first.key, fs::copy_options::overwrite_existing);
  server->reload();
  TlsEnds after;
  after.shake(context(client_options(authority.file())), server);
  CHECK(after.client.tls->peer.pin == pin_of_file(second));
  CHECK(after.client.tls->peer.pin != before.client.tls->peer.pin);
}

TEST_CASE("tls: secrets are appended to a key log that only its owner can read") {
  Folder folder;
  const auto file = folder / "keys";
  TlsOptions client;
  client.is_insecure = true;
  client.keylog = file;
  const auto it = outcome(client, server_options());
  REQUIRE(is_accepted(it));
  CHECK(read_file(file).find("CLIENT_TRAFFIC_SECRET_0 ") != std::string::npos);
  struct stat status {};
  REQUIRE(stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("tls: a key log that is full costs no connection, and is told of once") {
  std::vector<std::string> warnings;
  TlsOptions options;
  options.is_insecure = true;
  options.keylog = "/dev/full";
  options.warn = [&](const std::string& what) { warnings.push_back(what); };
  const auto client = context(options), server = context(server_options());
  for (int i = 0; i < 2; ++i) {
    TlsEnds ends;
    ends.shake(client, server);
    CHECK(ends.client_failure.message == "");
    CHECK(ends.server_failure.message == "");
  }
  CHECK(warnings ==
        std::vector<std::string>{"write /dev/full: No space left on device; no more secrets are logged"});
}

TEST_CASE("tls: a line of a key log that is written in part is the last, and is told of once") {
  const Folder folder;
  const auto file = folder / "keys";
  const auto end = in_child([&] {
    std::vector<std::string> warnings;
    KeyLog log(file, [&](const std::string& what) { warnings.push_back(what); });
    const rlimit limit{8, 8};  // bytes of a file
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    for (const auto* const line : {"whole", "in part", "lost"}) log.add(line);
    const auto expected =
        "write " + file + ": only 2 bytes of a line of 8 were written; no more secrets are logged";
    return warnings == std::vector{expected} ? 0 : 1;
  });
  CHECK(end.exited_with(0));
  CHECK(read_file(file) == "whole\nin");
}

TEST_CASE("tls: a peer that speaks plain text is recognized") {
  TlsOptions options;
  options.is_insecure = true;
  for (const auto& [role, words] : {std::pair(TlsOptions::Role::client, "220 mail.example.com ESMTP\r\n"),
                                    std::pair(TlsOptions::Role::server, "GET / HTTP/1.0\r\n\r\n"),
                                    std::pair(TlsOptions::Role::server, "hello, is anybody there?\n")}) {
    CAPTURE(words);
    options.role = role;
    TlsEnds ends;
    FarEnd far(ends.loop, UniqueFd(dup(ends.server.fd())));
    ends.server.stream.close();
    put(far.fd.get(), words);
    std::string heard;
    ends.loop.run(
        all(TlsEnds::note(start_tls(context(options)), ends.client, after(30s), ends.client_failure),
            read_to_end(far, heard)));
    CHECK(ends.client_failure.status == ExitCode::tls);
    CHECK(ends.client_failure.message.starts_with("TLS the server: the peer does not speak TLS ("));
  }
}

TEST_CASE("tls: a peer that closes or resets in the handshake, or stalls, is told apart") {
  TlsOptions options;
  options.is_insecure = true;
  const auto fail = [&](auto end, Deadline deadline) {
    TlsEnds ends;
    UniqueFd far(dup(ends.server.fd()));
    ends.server.stream.close();
    end(far);
    ends.loop.run(TlsEnds::note(start_tls(context(options)), ends.client, deadline, ends.client_failure));
    return ends.client_failure;
  };
  const auto closed = fail([](UniqueFd& far) { shutdown(far.get(), SHUT_WR); }, after(30s));
  CHECK(closed.status == ExitCode::tls);
  CHECK(closed.message == "TLS the server: the peer has closed the connection during the handshake");
  const auto reset = fail([](UniqueFd& far) { reset_connection(far); }, after(30s));
  CHECK(reset.status == ExitCode::reset_by_peer);
  const auto stalled = fail([](UniqueFd&) {}, after(20ms));
  CHECK(stalled.status == ExitCode::timed_out);
  CHECK(stalled.message == "TLS the server: the handshake timed out");
}
