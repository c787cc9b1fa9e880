// --tls: sockx with itself and with other programs, and what is said of a peer that is not who it should be.
#include <signal.h>

#include "../support/certificates.hpp"
#include "../support/events.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

/// What a client is to be told of this server.
std::vector<std::string> command_printed_by(Process& server) {
  const auto line = server.err_line("clients connect by: sockx ");
  std::istringstream words(line.substr(line.find("sockx connect")));
  std::vector<std::string> command;
  for (std::string word; words >> word;) command.push_back(word);
  command[0] = sockx_binary();
  return command;
}

Process::Options piped() { return {.in = Stdio::pipe()}; }

}  // namespace

TEST_CASE("--tls: the command that a server prints connects to it, and both directions arrive") {
  Process server(sockx({"listen", "--tls", "127.0.0.1", "0"}), piped());
  Process client(command_printed_by(server), piped());
  const auto question = noise(3'000'000, 1), answer = noise(2'000'000, 2);
  client.feed(question);
  server.feed(answer);
  check_end(client, exited(0));
  check_end(server, exited(0));
  CHECK(difference(server.out(), question) == "");
  CHECK(difference(client.out(), answer) == "");
}

TEST_CASE(
    "--tls: the pin is in the event listening and in the pin file, and the event tls says what was agreed") {
  const Folder folder;
  Process server(sockx({"--json", "listen", "--tls", "--tls-pin-file", folder / "pin", "127.0.0.1", "0"}));
  const auto listening = server.err_line("\"event\":\"listening\"");
  auto pin = read_file(folder / "pin");
  pin.pop_back();
  CHECK(
      contains(listening, "\"tls_pin\":\"" + pin + "\",\"command\":\"sockx connect --tls --tls-pin " + pin));
  Process client(sockx({"--json", "connect", "--tls", "--tls-pin", pin, "127.0.0.1", port_of(server)}));
  check_end(client, exited(0));
  check_end(server, exited(0));
  CHECK(contains(client.err(), "\"version\":\"TLSv1.3\""));
  CHECK(contains(client.err(), "\"pin\":\"" + pin + "\",\"verified_by\":\"pin\""));
  CHECK(contains(server.err(), "\"event\":\"tls\""));
}

TEST_CASE("--tls: a server that is not who it should be gets nothing, and the status is 12") {
  Authority authority("the authority");
  const auto files = authority.sign();
  Process server(sockx({"listen", "-k", "--handler", "echo", "127.0.0.1", "0"}) + with_certificate(files));
  const auto port = port_of(server);
  const auto failing = [&](std::vector<std::string> words, const std::string& host, const std::string& said) {
    const Folder folder;
    Process client(sockx({"connect", "--tls"}) + words + std::vector<std::string>{host, port},
                   {.in = Stdio::input(write_file(folder / "secret", "secret"))});
    check_failure(client, 12, "TLS " + host + ":" + port + ": " + said);
    CHECK(contains(client.err(), "; presented sha256//"));
  };
  failing({}, "localhost", "unable to get local issuer certificate");
  failing({"--tls-ca", authority.file(), "--tls-name", "example.com"}, "localhost",
          "the certificate is not for example.com");
  failing({"--tls-pin", "sha256//" + std::string(43, 'A') + "="}, "localhost",
          "the peer's key is not sha256//AAAA");
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    Process client(sockx({"connect", "--tls", "--tls-ca", authority.file(), host, port}), piped());
    client.feed("hello");
    check_end(client, exited(0));
    CHECK(client.out() == "hello");
  }
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  CHECK_FALSE(contains(server.err(), "received 6 bytes"));
}

TEST_CASE("--tls: options that do not go together, and values that are wrong, are usage errors") {
  const auto refused = [](std::vector<std::string> words, const std::string& said) {
    Process process(sockx(std::move(words)));
    check_failure(process, 2, said);
  };
  refused({"connect", "--tls-pin", "x", "h", "1"},
          "--tls-pin: 'x': a pin is sha256// and the base64 of 32 bytes");
  refused({"connect", "--tls-insecure", "h", "1"}, "--tls-insecure");
  refused({"connect", "--tls", "unix:/x"}, "say --tls-name");
  refused({"connect", "--tls", "--type", "seqpacket", "unix:/x"}, "leave --type seqpacket out");
  refused({"connect", "--tls", "--send-flags", "oob", "h", "1"}, "--send-flags");
  refused({"listen", "--tls", "--tls-key", "/nonesuch", "0"}, "say --tls-cert");
  Process missing(sockx({"listen", "--tls", "--tls-cert", "/nonesuch", "0"}));
  check_failure(missing, 11, "open /nonesuch: No such file or directory");
}

TEST_CASE("--tls: without the flag OpenSSL is not loaded") {
  Process server(sockx({"listen", "127.0.0.1", "0"}), piped());
  port_of(server);
  CHECK_FALSE(contains(read_file("/proc/" + std::to_string(server.pid()) + "/maps"), "libssl"));
  Process with(sockx({"listen", "--tls", "127.0.0.1", "0"}), piped());
  port_of(with);
  CHECK(contains(read_file("/proc/" + std::to_string(with.pid()) + "/maps"), "libssl"));
}

TEST_CASE("--tls: a server demands the certificate of a client, and SIGHUP has it read its own again") {
  Authority authority("the authority");
  const auto files = authority.sign(), next = authority.sign();
  Process server(sockx({"listen", "-v", "-k", "--handler", "echo", "--tls-client-ca", authority.file(),
                        "127.0.0.1", "0"}) +
                 with_certificate(files));
  const auto port = port_of(server);
  const auto client = [&](const std::vector<std::string>& words) {
    return sockx({"connect", "-v", "--tls", "--tls-ca", authority.file()}) + words +
           std::vector<std::string>{"--line", "hello", "localhost", port};
  };
  Process without(client({}));
  check_end(without, exited(12));
  CHECK(contains(without.err(),
                 "the peer has ended it with the alert 'certificate required'; presented sha256//"));
  const auto own = authority.sign({.subject = "a client"});
  const std::vector<std::string> with{"--tls-cert", own.certificate, "--tls-key", own.key};
  CHECK(run(client(with)) == "hello\n");
  server.err_line("CN=a client");
  fs::copy_file(next.certificate, files.certificate, fs::copy_options::overwrite_existing);
  fs::copy_file(next.key, files.key, fs::copy_options::overwrite_existing);
  server.signal(SIGHUP);
  const auto line = server.err_line("the certificate has been read again: ");
  Process after(client(with));
  check_end(after, exited(0));
  CHECK(contains(after.err(), line.substr(line.find("sha256//"))));
}

TEST_CASE("--tls: the end without close_notify is a failure, unless it is lenient") {
  Authority authority("the authority");
  const auto files = authority.sign();
  for (const bool is_lenient : {false, true}) {
    CAPTURE(is_lenient);
    Process server(sockx({"listen", "127.0.0.1", "0", "--tls-eof", is_lenient ? "lenient" : "strict"}) +
                   with_certificate(files));
    const std::string script =
        "import socket, ssl, sys\n"
        "c = ssl.create_default_context(cafile=sys.argv[1])\n"
        "s = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[2]))), "
        "server_hostname='localhost')\n"
        "s.sendall(b'words')\n"
        "s.shutdown(socket.SHUT_WR)\n"
        "s.recv(1)\n";
    Process client({"python3", "-c", script, authority.file(), port_of(server)});
    if (is_lenient)
      check_end(server, exited(0));
    else
      check_failure(server, 12, "the connection has ended without close_notify");
    CHECK(server.out() == "words");
    client.wait();
  }
}

TEST_CASE("--tls: openssl as server and as client, with TLS 1.2 and 1.3") {
  if (is_missing("openssl")) return;
  Authority authority("the authority");
  const auto files = authority.sign();
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    CAPTURE(version);
    const auto words = noise(200'000);
    Process peer({"openssl", "s_server", version, "-quiet", "-naccept", "1", "-cert", files.certificate,
                  "-key", files.key, "-accept", "127.0.0.1:0"},
                 piped());
    Process client(sockx({"connect", "--tls", "--tls-ca", authority.file(), "localhost", port_of(peer)}),
                   piped());
    client.feed(words);
    check_end(client, exited(0));
    peer.close_input();
    peer.wait();
    CHECK(difference(peer.out(), words) == "");

    Process server(sockx({"listen", "--send-only", "127.0.0.1", "0"}) + with_certificate(files), piped());
    Process other({"openssl", "s_client", version, "-quiet", "-verify_quiet", "-verify_return_error",
                   "-CAfile", authority.file(), "-connect", "127.0.0.1:" + port_of(server)},
                  piped());
    server.feed(words);
    check_end(server, exited(0));
    other.wait();
    CHECK(difference(other.out(), words) == "");
  }
}

TEST_CASE("--check --tls: the handshake is completed and reported, and the server misses nothing") {
  Authority authority("the authority");
  Process server(sockx({"listen", "-k", "--handler", "discard", "127.0.0.1", "0"}) +
                 with_certificate(authority.sign()));
  const auto out =
      run(sockx({"connect", "--check", "--tls", "--tls-ca", authority.file(), "localhost", port_of(server)}));
  CHECK(contains(out, " open, "));
  CHECK(contains(out, "\nTLSv1.3, TLS_AES_256_GCM_SHA384, CN=a peer (issuer CN=the authority, notAfter "));
  server.signal(SIGTERM);
  check_end(server, killed_by(SIGTERM));
  CHECK(server.err() == "");
}

}  // namespace test
