// connect, listen, send-file and recv-file over TLS, in both roles. Over TLS a part never looks like the
// whole to whoever receives it.
#include <doctest/doctest.h>

#include "../support/certificates.hpp"
#include "../support/files.hpp"
#include "scenario.hpp"

using namespace test;

namespace {

/// Who knows whom by what.
struct Trust {
  Authority authority{"the authority"};
  CertificateFiles server = authority.sign(), client = authority.sign({.subject = "a client"});

  std::vector<std::string> words(bool listens, bool is_mutual) const {
    const auto& own = listens ? server : client;
    std::vector<std::string> words{"--tls"};
    if (listens || is_mutual)
      words.insert(words.end(), {"--tls-cert", own.certificate, "--tls-key", own.key});
    if (!listens || is_mutual)
      words.insert(words.end(), {listens ? "--tls-client-ca" : "--tls-ca", authority.file()});
    return words;
  }
};

/// With buffers so small that one call does not do.
std::vector<std::string> command(const Trust& trust, const std::string& name, bool is_mutual) {
  std::vector<std::string> words{"--quiet", name, "--opt", "SO_SNDBUF=16384", "--opt", "SO_RCVBUF=16384"};
  const auto tls = trust.words(name == "listen" || name == "recv-file", is_mutual);
  words.insert(words.end(), tls.begin(), tls.end());
  return words;
}

Scenario conversing(const Trust& trust, const std::string& name, const std::string& subcommand, Place in,
                    Place out, bool is_mutual = false) {
  Scenario scenario{name, {command(trust, subcommand, is_mutual), in, out}, {{}, Place::pipe, Place::pipe}};
  scenario.faulty_listens = subcommand == "listen";
  scenario.healthy.words = command(trust, scenario.faulty_listens ? "connect" : "listen", is_mutual);
  for (auto* const program : {&scenario.faulty, &scenario.healthy}) program->words.emplace_back("ENDPOINT");
  scenario.sent = noise(100'000, 1);
  scenario.received = noise(100'000, 2);
  scenario.tells_received_parts = true;
  // Once both ends have been said and everything is acknowledged, a reset loses nothing. And a numeric
  // address that is not recognized is a name, which the certificate does not have.
  scenario.exceptions = {
      {"shutdown@socket", {"ENOTCONN"}, {0, 7}, "Connection reset"},
      {"getsockopt@SO_ERROR", {"ECONNRESET"}, {0, 7}, "Connection reset"},
      {"ioctl@SIOCOUTQ", {"ENOTCONN"}, {0, 7}, "Connection reset"},
      {"send@socket", {"ECONNRESET", "EPIPE"}, {0, 7}},
      // A reader may meet it first, for an answer that can be sent again.
      {"send@socket", {"ENOMEM", "ENOBUFS"}, {0, 1}},
      {"send@socket", {"ETIMEDOUT"}, {0, 5}},
      // The reader hears of it behind the bytes before it; the writer may meet the dead connection earlier.
      {"recv@socket", {"ECONNRESET"}, {7}, "recv|Connection reset"},
      {"recv@socket", {"ETIMEDOUT"}, {5, 7}, "recv|Connection reset"},
      {"recv@socket", {"EHOSTUNREACH"}, {6, 7}, "recv|Connection reset"},
      {"recv@socket", {"ENOMEM"}, {1, 7}, "recv|Connection reset"},
      {"getaddrinfo", {"EAI_AGAIN", "EAI_MEMORY"}, {3, 12}, "getaddrinfo|the certificate is not for"}};
  return scenario;
}

/// What OpenSSL is told by this configuration: it speaks TLS 1.2.
constexpr auto tls12_settings =
    "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\nMaxProtocol = TLSv1.2\n";

Scenario transferring(const Trust& trust, const std::string& name, bool sends, bool is_mutual = false) {
  auto sending = command(trust, "send-file", is_mutual), receiving = command(trust, "recv-file", is_mutual);
  for (const auto* const word : {"--chunk", "4000", "INPUT", "ENDPOINT"}) sending.emplace_back(word);
  for (const auto* const word : {"-o", "OUTPUT", "ENDPOINT"}) receiving.emplace_back(word);
  const Program sender{sending, Place::named}, receiver{receiving, Place::nothing, Place::named};
  Scenario scenario{name, sends ? sender : receiver, sends ? receiver : sender};
  scenario.faulty_listens = !sends;
  (sends ? scenario.sent : scenario.received) = noise(120'000);
  scenario.tells_parts = true;
  scenario.tells_received_parts = true;
  return scenario;
}

}  // namespace

TEST_SUITE("faults: TLS") {
  TEST_CASE("connect over TLS from a file to a pipe survives the fault of every call") {
    const Trust trust;
    auto scenario = conversing(trust, "connect --tls < file | pipe", "connect", Place::file, Place::pipe);
    scenario.exceptions.push_back(standard_output_gone);
    meet_every_fault(scenario);
  }
  TEST_CASE("connect over TLS with a certificate of its own survives the fault of every call") {
    const Trust trust;
    meet_every_fault(conversing(trust, "pipe | connect --tls --tls-cert > file", "connect", Place::pipe,
                                Place::file, true));
  }
  TEST_CASE("listen over TLS from a pipe to a pipe survives the fault of every call") {
    const Trust trust;
    auto scenario = conversing(trust, "listen --tls with pipes", "listen", Place::pipe, Place::pipe);
    scenario.exceptions.push_back(standard_output_gone);
    meet_every_fault(scenario);
  }
  TEST_CASE("listen over TLS that demands a certificate survives the fault of every call") {
    const Trust trust;
    meet_every_fault(conversing(trust, "listen --tls --tls-client-ca < file > file", "listen", Place::file,
                                Place::file, true));
  }
  TEST_CASE("connect over TLS 1.2 survives the fault of every call") {
    const Trust trust;
    const Folder folder;
    auto scenario = conversing(trust, "connect over TLS 1.2", "connect", Place::pipe, Place::file, true);
    scenario.environment = {"OPENSSL_CONF=" + write_file(folder / "openssl.cnf", tls12_settings)};
    meet_every_fault(scenario);
  }
  TEST_CASE("listen over TLS 1.2 survives the fault of every call") {
    const Trust trust;
    const Folder folder;
    auto scenario = conversing(trust, "listen over TLS 1.2", "listen", Place::file, Place::pipe);
    scenario.environment = {"OPENSSL_CONF=" + write_file(folder / "openssl.cnf", tls12_settings)};
    scenario.exceptions.push_back(standard_output_gone);
    meet_every_fault(scenario);
  }
  TEST_CASE("send-file over TLS survives the fault of every call") {
    const Trust trust;
    auto scenario = transferring(trust, "send-file --tls", true);
    // As in a conversation.
    scenario.exceptions = {
        {"getsockopt@SO_ERROR", {"ECONNRESET"}, {0, 7}, "Connection reset"},
        {"ioctl@SIOCOUTQ", {"ENOTCONN"}, {0, 7}, "Connection reset"},
        {"getaddrinfo", {"EAI_AGAIN", "EAI_MEMORY"}, {3, 12}, "getaddrinfo|the certificate is not for"}};
    meet_every_fault(scenario);
  }
  TEST_CASE("recv-file over TLS survives the fault of every call") {
    const Trust trust;
    auto scenario = transferring(trust, "recv-file --tls", false);
    // A receiver that has the file and has heard the sender's end has done its work, whatever becomes of its
    // own close_notify.
    scenario.exceptions = {{"shutdown@socket", {"ENOTCONN"}, {0}},
                           {"getsockopt@SO_ERROR", {"ECONNRESET"}, {0, 7}, "Connection reset"},
                           {"send@socket", {"ECONNRESET", "EPIPE"}, {0, 7}},
                           {"send@socket", {"ETIMEDOUT"}, {0, 5}},
                           {"send@socket", {"ENOBUFS", "ENOMEM"}, {0, 1}}};
    meet_every_fault(scenario);
  }
}
