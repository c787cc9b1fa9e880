// --tls: every way in which a peer can fail, with the status and the line that the user gets. No byte of the
// user's is sent before the peer is verified.
#include <signal.h>

#include "../support/certificates.hpp"
#include "../support/peer.hpp"
#include "../support/server.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// tests/interop/tls_peer.py as a client or a server; `options` are its own.
Words tls_peer(const Words& options, const std::string& steps, const std::string& role,
               const std::string& port = "0") {
  return Words{"/usr/bin/python3", "-IS", source_folder() + "/tests/interop/tls_peer.py"} + options +
         Words{steps, role, "127.0.0.1", port};
}

/// `size` bytes, over and over.
std::string many(const char* bytes, std::size_t size, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all.append(bytes, size);
  return all;
}

/// Certificates for a test, and what each side is told of them.
struct Trust {
  Authority authority{"the authority"};
  CertificateFiles files = authority.sign();

  Words peer_server(const std::string& version = "1.3") const {
    return {"--version", version, "--cert", files.certificate, "--key", files.key};
  }
  Words peer_client(const std::string& version = "1.3") const {
    return {"--version", version, "--ca", authority.file()};
  }
  Words client() const { return {"--tls", "--tls-ca", authority.file()}; }
};

/// sockx and a peer that fails, in either role of the two.
struct Meeting {
  std::unique_ptr<Process> ours, peer;

  Meeting(const Trust& trust, bool listens, const Words& words, const Words& peer_options,
          const std::string& steps, const std::string& version = "1.3") {
    if (listens) {
      ours = std::make_unique<Process>(
          sockx({"listen"}) + with_certificate(trust.files) + words + Words{"127.0.0.1", "0"}, piped());
      peer = std::make_unique<Process>(
          tls_peer(trust.peer_client(version) + peer_options, steps, "connect", port_of(*ours)), piped());
    } else {
      peer = std::make_unique<Process>(tls_peer(trust.peer_server(version) + peer_options, steps, "listen"),
                                       piped());
      ours = std::make_unique<Process>(
          sockx({"connect"}) + trust.client() + words + Words{"127.0.0.1", port_of(*peer)}, piped());
    }
  }

  static Process::Options piped() { return {.in = Stdio::pipe()}; }
};

TEST_CASE("--tls: a server that fails verification gets no byte of the input, whatever is wrong with it") {
  Authority authority("the authority"), other("another");
  const std::string nul = "DER:30:0f:82:0d:6c:6f:63:61:6c:68:6f:73:74:00:2e:78:79";  // localhost\0.xy
  const auto wrong_pin = "sha256//" + std::string(43, 'A') + "=";
  const auto good = authority.sign();
  const auto pin = sockx::pin_of(sockx::load_identity(good.certificate, good.key, nullptr).certificate.get());
  const Words trust{"--tls-ca", authority.file()};
  struct Case {
    std::string what;
    CertificateFiles server;
    Words client;
    std::string said;
  };
  const std::vector<Case> cases{
      {"an unknown authority", good, {"--tls-ca", other.file()}, "unable to get local issuer certificate"},
      {"the system's authorities", good, {}, "unable to get local issuer certificate"},
      {"a wrong name", good, trust + Words{"--tls-name", "example.com"},
       "the certificate is not for example.com, "},
      {"a wrong address", authority.sign({.names = "DNS:localhost,IP:127.0.0.2"}), trust,
       "the certificate is not for 127.0.0.1, but for localhost, 127.0.0.2"},
      {"a name that looks like the address", authority.sign({.names = "DNS:127.0.0.1"}), trust,
       "the certificate is not for 127.0.0.1, but for 127.0.0.1"},
      {"a NUL in the name", authority.sign({.names = nul}), trust + Words{"--tls-name", "localhost"},
       "the certificate is not for localhost, but for localhost\\x00.xy"},
      {"expired", authority.sign({.first_day = -3, .last_day = -1}), trust,
       "certificate has expired (notAfter "},
      {"not yet valid", authority.sign({.first_day = 1, .last_day = 3}), trust,
       "certificate is not yet valid (notBefore "},
      {"self-signed", {}, trust, "self-signed certificate"},
      {"a wrong pin", good, {"--tls-pin", wrong_pin}, "the peer's key is not " + wrong_pin},
      {"a wrong pin without verification",
       good,
       {"--tls-insecure", "--tls-pin", wrong_pin},
       "the peer's key is not " + wrong_pin},
      {"the right pin and a wrong name", good, trust + Words{"--tls-pin", pin, "--tls-name", "example.com"},
       "the certificate is not for example.com"},
  };
  const Folder folder;
  const auto secret = write_file(folder / "secret", "secret");
  for (const auto& [what, files, words, said] : cases) {
    CAPTURE(what);
    auto serving = Words{"--keep-open", "--handler", "discard", "--tls"};
    if (!files.certificate.empty())
      serving = Words{"--keep-open", "--handler", "discard"} + with_certificate(files);
    Server server(serving);
    const Words peer{"127.0.0.1", server.port()};
    Process client(sockx({"connect", "--tls"}) + words + peer, {Stdio::input(secret)});
    check_failure(client, 12, "TLS 127.0.0.1:" + server.port() + ": " + said);
    CHECK(contains(client.err(), "; presented sha256//"));
    // Whoever speaks next is the first of whom the server has heard anything.
    Process insecure(sockx({"--quiet", "connect", "--tls", "--tls-insecure", "--line", "ok"}) + peer);
    check_end(insecure, exited(0));
    CHECK(server.event("closed").at("received") == 3);
    server.stop();
  }
}

TEST_CASE("--tls: with the right pin alone, name and dates do not count") {
  Authority authority("the authority");
  const auto files = authority.sign({.names = "DNS:elsewhere", .first_day = -3, .last_day = -1});
  const auto pin =
      sockx::pin_of(sockx::load_identity(files.certificate, files.key, nullptr).certificate.get());
  Process server(sockx({"listen", "127.0.0.1", "0"}) + with_certificate(files));
  run(sockx({"connect", "--tls", "--tls-pin", pin, "--line", "hello", "127.0.0.1", port_of(server)}));
  check_end(server, exited(0));
  CHECK(server.out() == "hello\n");
}

TEST_CASE("--tls: a server that speaks plain text gets a ClientHello and no byte of the input") {
  for (const std::string greeting : {"220 mail.example.com ESMTP\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
    PeerListener listener;
    Process client(sockx({"connect", "--tls", "--tls-insecure", "127.0.0.1", listener.port()}),
                   {.in = Stdio::pipe()});
    client.write("secret");
    auto peer = listener.accept();
    peer.send(greeting);
    peer.finish();
    check_failure(client, 12, "the peer does not speak TLS (");
    const auto heard = peer.receive_all();
    CHECK(heard.starts_with("\x16\x03"));
    CHECK_FALSE(contains(heard, "secret"));
  }
}

TEST_CASE("--tls: a client that speaks plain text is told of in one line, and its words are no input") {
  for (const std::string words :
       {"GET / HTTP/1.0\r\n\r\n", "hello\n", "\x16\x03\x01\xff\xff garbage", "\n"}) {
    CAPTURE(words);
    Process server(sockx({"listen", "--tls", "127.0.0.1", "0"}), {.in = Stdio::pipe()});
    server.write("secret");
    auto peer = Peer::connect(port_of(server));
    peer.send(words);
    peer.finish();
    check_end(server, exited(12));
    CHECK(server.out() == "");
    CHECK(contains(server.err(), "sockx: TLS 127.0.0.1:"));
    CHECK_FALSE(contains(peer.receive_all(), "secret"));
  }
}

TEST_CASE("--tls: a peer that says nothing is waited for no longer than the limit of time") {
  PeerListener listener;
  Process client(sockx(
      {"connect", "--tls", "--tls-insecure", "--connect-timeout", "100ms", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  check_failure(client, 5, "the handshake timed out");
  CHECK(peer.receive(1) == "\x16");

  Process server(sockx({"--quiet", "listen", "--tls", "--idle-timeout", "100ms", "127.0.0.1", "0"}));
  auto silent = Peer::connect(port_of(server));
  check_failure(server, 5, "the handshake timed out");
}

TEST_CASE("--tls: a handshake that stalls behind any of its messages ends at the limit of time") {
  const Trust trust;
  for (const std::string version : {"1.2", "1.3"}) {
    for (const bool listens : {false, true}) {
      const int records = listens ? 3 : 6;
      for (int sent = 0; sent < records; ++sent) {
        CAPTURE(version);
        CAPTURE(listens);
        CAPTURE(sent);
        const Words limit{listens ? "--idle-timeout" : "--connect-timeout", "300ms"};
        Meeting both(trust, listens, limit, {"--records", std::to_string(sent)}, "wait", version);
        both.ours->write("secret");
        check_failure(*both.ours, 5, "the handshake timed out");
        CHECK(both.ours->out() == "");
      }
    }
  }
}

TEST_CASE("--tls: a peer that closes or resets behind any of its handshake messages is told apart") {
  const Trust trust;
  for (const std::string version : {"1.2", "1.3"}) {
    for (const bool listens : {false, true}) {
      const int records = listens ? 3 : 6;
      for (int sent = 0; sent < records; ++sent) {
        for (const bool resets : {false, true}) {
          CAPTURE(version);
          CAPTURE(listens);
          CAPTURE(sent);
          CAPTURE(resets);
          const Words cut{"--records", std::to_string(sent), "--then", resets ? "reset" : "fin"};
          Meeting both(trust, listens, {}, cut, "wait", version);
          both.ours->write("secret");
          check_failure(*both.ours, resets ? 7 : 12,
                        resets ? "reset" : "the peer has closed the connection during the handshake");
          CHECK(both.ours->out() == "");
        }
      }
    }
  }
}

TEST_CASE("--tls: what a peer does in the middle of the stream has its status, and keeps what came before") {
  const Trust trust;
  struct Case {
    std::string steps;
    int status;
    std::string said;
    Words words = {};
  };
  const std::vector<Case> cases{
      {"send=5,fin,wait", 12, "the connection has ended without close_notify, so bytes may be missing"},
      {"send=5,alert,wait", 12, "the connection failed: "},
      {"send=5,reset", 7, "reset"},
      {"send=5,end,recv", 0, ""},
      {"send=5,fin,recv", 0, "", {"--tls-eof", "lenient"}},
  };
  for (const auto& [steps, status, said, words] : cases) {
    for (const std::string version : {"1.2", "1.3"}) {
      for (const bool listens : {false, true}) {
        CAPTURE(steps);
        CAPTURE(version);
        CAPTURE(listens);
        Meeting both(trust, listens, words, {}, steps, version);
        if (status == 0) both.ours->feed("answer");
        both.peer->feed("hello");
        if (status != 0)
          check_failure(*both.ours, status, said);
        else
          check_end(*both.ours, exited(0));
        if (!steps.ends_with("reset")) CHECK(both.ours->out() == "hello");  // which a reset may destroy
        if (status == 0) {
          check_end(*both.peer, exited(0));
          CHECK(both.peer->out() == "answer");
        }
      }
    }
  }
}

TEST_CASE("--tls: a signal ends a session that is whole by close_notify, and any other by a reset") {
  const Trust trust;
  for (const bool is_typed : {true, false}) {
    for (const bool listens : {true, false}) {
      CAPTURE(is_typed);
      CAPTURE(listens);
      Terminal terminal;
      const auto in = is_typed ? terminal.stream() : Stdio::pipe();
      std::unique_ptr<Process> ours, peer;
      if (listens) {
        ours = std::make_unique<Process>(sockx({"listen", "127.0.0.1", "0"}) + with_certificate(trust.files),
                                         Process::Options{in});
        peer = std::make_unique<Process>(
            sockx({"connect"}) + trust.client() + Words{"127.0.0.1", port_of(*ours)}, Meeting::piped());
      } else {
        peer = std::make_unique<Process>(sockx({"listen", "127.0.0.1", "0"}) + with_certificate(trust.files),
                                         Meeting::piped());
        ours = std::make_unique<Process>(
            sockx({"connect"}) + trust.client() + Words{"127.0.0.1", port_of(*peer)}, Process::Options{in});
      }
      if (is_typed)
        terminal.type("hello\n");
      else
        ours->write("hello\n");
      CHECK(peer->out_line() == "hello");
      ours->signal(SIGINT);
      check_end(*ours, killed_by(SIGINT));
      peer->close_input();
      check_end(*peer, exited(0));
      CHECK(peer->out() == "hello\n");
      CHECK(peer->err() == "");
    }
  }
}

TEST_CASE("--tls: a signal in the middle of our input does not look like an end to the peer") {
  const Trust trust;
  const Folder folder;
  const auto file = write_file(folder / "content", noise(20'000'000));
  Process server(sockx({"listen", "127.0.0.1", "0"}) + with_certificate(trust.files), {Stdio::null()});
  Process client(sockx({"connect", "--rate", "1Mi"}) + trust.client() + Words{"127.0.0.1", port_of(server)},
                 {Stdio::input(file)});
  eventually("something has arrived", [&] { return server.out_size() > 0; });
  client.signal(SIGTERM);
  check_end(client, killed_by(SIGTERM));
  check_failure(server, 7, "reset");
}

TEST_CASE("--tls: a server that is told to end says so by close_notify to those that have everything") {
  const Trust trust;
  Process server(sockx({"listen", "-k", "--handler", "echo", "127.0.0.1", "0"}) +
                 with_certificate(trust.files));
  Process client(sockx({"connect"}) + trust.client() + Words{"127.0.0.1", port_of(server)}, Meeting::piped());
  client.write("hello\n");
  CHECK(client.out_line() == "hello");
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  client.close_input();
  check_end(client, exited(0));
  CHECK(client.err() == "");
}

TEST_CASE("--tls: clients that stall, babble or flood do not keep a server from the others") {
  const Trust trust;
  Server server(Words{"--keep-open", "--handler", "echo"} + with_certificate(trust.files));
  Process client(sockx({"connect"}) + trust.client() + Words{"127.0.0.1", server.port()}, Meeting::piped());
  const auto check_is_served = [&](const std::string& line) {
    client.write(line + '\n');
    CHECK(client.out_line() == line);
  };
  check_is_served("before");
  const std::string record_head("\x16\x03\x01", 3), hello_head("\x01\x01\xff\xf0", 4);
  const std::vector<std::string> openings{
      "",                                                               // silence
      record_head,                                                      // a part of a record
      record_head + "\x3f\xff" + hello_head + std::string(9000, '\0'),  // half of a huge ClientHello
      "GET / HTTP/1.0\r\n\r\n",
      noise(5000),
      many("\x14\x03\x03\x00\x01\x01", 6, 2000),      // ChangeCipherSpec
      many("\x16\x03\x03\x00\x00", 5, 2000),          // empty records
      many("\x15\x03\x03\x00\x02\x01\x5a", 7, 2000),  // warnings
  };
  std::vector<Peer> hostile;
  for (int i = 0; i < 25; ++i)
    for (const auto& opening : openings) {
      hostile.push_back(Peer::connect(server.port()));
      // Whoever is refused early meets a reset.
      send(hostile.back().fd(), opening.data(), opening.size(), MSG_NOSIGNAL);
    }
  check_is_served("among them");
  Process other(sockx({"connect"}) + trust.client() + Words{"--line", "hello", "127.0.0.1", server.port()});
  check_end(other, exited(0));
  CHECK(other.out() == "hello\n");
  for (auto& peer : hostile) peer.reset();
  check_is_served("after");
  client.close_input();
  check_end(client, exited(0));
  server.wait_until_free();
  server.stop();
}

}  // namespace

}  // namespace test
