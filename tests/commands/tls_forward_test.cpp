// listen --forward with TLS on either side, and what programs learn of a client's certificate.
#include <signal.h>

#include <thread>

#include "../support/certificates.hpp"
#include "../support/server.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// Sends `question` to the server at the endpoint, ends, and returns what comes back.
std::string answer_of(const std::string& endpoint, const std::string& question) {
  auto peer = connect_to(endpoint);
  std::thread sending([&] {
    peer.send(question);
    peer.finish();
  });
  const auto answer = peer.receive_all();
  sending.join();
  return answer;
}

TEST_CASE("forward: a server without TLS is wrapped, and both directions end by themselves") {
  Authority authority("the authority");
  PeerListener target;
  Server server(Words{"-k", "--forward", "127.0.0.1:" + target.port()} + with_certificate(authority.sign()));
  Process client(sockx({"connect", "--tls", "--tls-ca", authority.file(), "localhost", server.port()}),
                 {.in = Stdio::pipe()});
  auto far = target.accept();
  client.feed("question");
  CHECK(far.receive_all() == "question");
  far.send("answer");
  far.finish();
  check_end(client, exited(0));
  CHECK(client.out() == "answer");
  CHECK(server.event("closed").at("complete") == true);

  Process listening(sockx({"connect", "--tls", "--tls-ca", authority.file(), "localhost", server.port()}),
                    {.in = Stdio::pipe()});
  auto beyond = target.accept();
  beyond.send("greeting");
  beyond.finish();
  eventually("the greeting is there",
             [&] { return listening.out_has_ended() || listening.out() == "greeting"; });
  listening.feed("reply");
  check_end(listening, exited(0));
  CHECK(beyond.receive_all() == "reply");
  server.stop();
}

TEST_CASE("forward tls: a server with TLS is unwrapped, and both directions end by themselves") {
  Authority authority("the authority");
  const auto files = authority.sign();
  Process target(sockx({"listen", "127.0.0.1", "0"}) + with_certificate(files), {.in = Stdio::pipe()});
  Server server({"-k", "--forward", "tls:localhost:" + port_of(target), "--tls-ca", authority.file()});
  auto near = server.connect();
  near.send("question\n");
  near.finish();
  target.out_line("question");
  target.feed("answer");
  check_end(target, exited(0));
  CHECK(near.receive_all() == "answer");
  CHECK(server.event("closed").at("complete") == true);
  server.stop();
}

TEST_CASE("forward tls: TLS on both sides, and large streams are whole") {
  Authority inner("the inner authority"), outer("the outer authority");
  Process target(sockx({"listen", "-k", "--handler", "echo", "127.0.0.1", "0"}) +
                 with_certificate(inner.sign()));
  Server server(Words{"-k", "--forward", "tls:localhost:" + port_of(target), "--tls-ca", inner.file()} +
                with_certificate(outer.sign()));
  const auto content = noise(3'000'000);
  Process client(sockx({"connect", "--tls", "--tls-ca", outer.file(), "localhost", server.port()}),
                 {.in = Stdio::pipe()});
  client.feed(content);
  check_end(client, exited(0));
  CHECK(difference(client.out(), content) == "");
  server.stop();
}

TEST_CASE("forward tls: a target that is not who it should be gets nothing, and the client a reset") {
  Authority authority("the authority"), other("another authority");
  Process target(sockx({"--json", "listen", "-k", "--handler", "echo", "127.0.0.1", "0"}) +
                 with_certificate(authority.sign()));
  const auto port = port_of(target);
  const auto refused = [&](const Words& words, const std::string& host, const std::string& reason) {
    Server server(Words{"-k", "--forward", "tls:" + host + ":" + port} + words);
    auto near = server.connect();
    near.send("secret");
    CHECK(near.ends_by_reset());
    const auto closed = server.event("closed");
    CHECK(closed.at("complete") == false);
    const std::string said = closed.at("reason");
    CHECK_MESSAGE(contains(said, "TLS " + host + ":" + port + ": " + reason), said);
    server.stop();
  };
  refused({}, "localhost", "unable to get local issuer certificate");
  refused({"--tls-ca", other.file()}, "localhost", "unable to get local issuer certificate");
  refused({"--tls-ca", authority.file(), "--tls-name", "example.com"}, "localhost",
          "the certificate is not for example.com");
  refused({"--tls-pin", "sha256//" + std::string(43, 'A') + "="}, "127.0.0.1", "the peer's key is not");
  target.signal(SIGTERM);
  check_end(target, killed_by(SIGTERM));
  CHECK_FALSE(contains(target.out(), "\"event\":\"accepted\""));
}

TEST_CASE("forward tls: by pin, and with a certificate of our own where the target demands one") {
  Authority authority("the authority");
  const auto ours = authority.sign({.subject = "the forwarder"});
  Server target(Words{"-k", "--sh", "cat; echo \"$SOCKX_TLS_SUBJECT\"", "--tls-client-ca", authority.file()} +
                with_certificate(authority.sign()));
  Server server({"-k", "--forward", "tls:localhost:" + target.port(), "--tls-ca", authority.file(),
                 "--tls-cert", ours.certificate, "--tls-key", ours.key});
  CHECK(answer_of(server.endpoint(), "question\n") == "question\nCN=the forwarder\n");
  server.stop();
  target.stop();
  Process echo(sockx({"--json", "listen", "-k", "--handler", "echo", "--tls", "127.0.0.1", "0"}));
  const auto listening = json::parse(echo.out_line("\"event\":\"listening\""));
  const std::string pin = listening.at("tls_pin"), where = listening.at("address");
  Server pinning({"-k", "--forward", "tls:" + where, "--tls-pin", pin});
  CHECK(answer_of(pinning.endpoint(), "question") == "question");
  pinning.stop();
}

TEST_CASE("forward tls: options behind the word are those of the target, before those of --tls") {
  Authority authority("the authority"), other("another authority");
  Server target(Words{"-k", "--handler", "echo"} + with_certificate(authority.sign()));
  const auto word = "tls:localhost:" + target.port() + ",ca=" + authority.file();
  Server server({"-k", "--forward", word + ",min=1.3"});
  CHECK(answer_of(server.endpoint(), "question") == "question");
  server.stop();
  Server both(Words{"-k", "--forward", word, "--tls-ca", other.file()});
  CHECK(answer_of(both.endpoint(), "question") == "question");
  both.stop();
  target.stop();
}

TEST_CASE("forward tls: a target that is cut short is a reset of the client, and no clean end") {
  Authority authority("the authority");
  const auto files = authority.sign();
  const std::string script =
      "import socket, ssl, sys\n"
      "c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
      "c.load_cert_chain(sys.argv[1], sys.argv[2])\n"
      "l = socket.create_server(('127.0.0.1', 0))\n"
      "s = c.wrap_socket(l.accept()[0], server_side=True)\n"
      "s.sendall(b'half')\n"
      "s.recv(1)\n"
      "s.shutdown(socket.SHUT_WR)\n"
      "while s.recv(1): pass\n";
  Process target({"python3", "-c", script, files.certificate, files.key});
  Server server({"-k", "--forward", "tls:localhost:" + port_of(target), "--tls-ca", authority.file()});
  auto near = server.connect();
  CHECK(near.receive(4) == "half");
  near.send("x");
  CHECK(near.ends_by_reset());
  CHECK(contains(server.event("closed").at("reason"), "without close_notify"));
  server.stop();
  target.wait();
}

TEST_CASE("--tls: a program learns the subject of a certificate that has been verified, and no other") {
  Authority authority("the authority");
  const auto client = authority.sign({.subject = "a client"});
  const Words program{"-k", "--sh", "echo \"<$SOCKX_TLS_SUBJECT>\""};
  const Process::Options told_before{.environment = {"SOCKX_TLS_SUBJECT=CN=somebody else"}};
  const auto files = authority.sign();
  const auto asked = [&](const Server& server, const Words& words) {
    return run(sockx({"connect", "--recv-only", "localhost", server.port()}) + words);
  };
  const Words verifying{"--tls", "--tls-ca", authority.file()};
  const Words presenting{"--tls-cert", client.certificate, "--tls-key", client.key};
  Server demanding(program + Words{"--tls-client-ca", authority.file()} + with_certificate(files),
                   "127.0.0.1:0", {}, told_before);
  CHECK(asked(demanding, verifying + presenting) == "<CN=a client>\n");
  demanding.stop();
  Server other(program + with_certificate(files), "127.0.0.1:0", {}, told_before);
  CHECK(asked(other, verifying + presenting) == "<>\n");
  other.stop();
  Server plain(program, "127.0.0.1:0", {}, told_before);
  CHECK(asked(plain, {}) == "<>\n");
  plain.stop();
}

TEST_CASE("forward tls: options that do not go together are usage errors") {
  const auto refused = [](Words words, const std::string& said) {
    Process process(sockx({"listen", "-k"}) + words);
    check_failure(process, 2, said);
  };
  refused({"--forward", "tls:443", "1"}, "'443': the host is missing");
  refused({"--forward", "tls:unix:/x", "1"}, "say --tls-name");
  refused({"--forward", "tls:h:1", "--tls-client-ca", "x", "1"}, "--tls-client-ca: say --tls too");
  refused({"--forward", "h:1", "--tls-name", "x", "1"}, "--tls-name: it is for the side that connects");
  refused({"--forward", "h:1", "--tls", "--tls-ca", "x", "1"}, "say --tls-client-ca");
  refused({"--forward", "tls:h:1", "--tls-key", "x", "1"}, "--tls-key");
}

TEST_CASE("--forward by an https proxy: what verifies is for the proxy, also where clients come by TLS") {
  Authority authority("the authority");
  const auto ours = with_certificate(authority.sign());
  Server target({"-k", "--handler", "echo"});
  Server proxy(Words{"-k", "--handler", "proxy", "--proxy-to", "127.0.0.1"} + ours);
  for (const bool serves_tls : {false, true}) {
    CAPTURE(serves_tls);
    Server server(Words{"-k", "--forward", target.endpoint(), "--proxy", "https://" + proxy.endpoint(),
                        "--tls-ca", authority.file()} +
                  (serves_tls ? ours : Words()));
    Process client(sockx({"connect", "--line", "hello", server.endpoint()}) +
                   (serves_tls ? Words{"--tls", "--tls-ca", authority.file()} : Words()));
    check_end(client, exited(0));
    CHECK(client.out() == "hello\n");
  }
}

}  // namespace

}  // namespace test
