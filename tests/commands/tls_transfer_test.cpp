// send-file and recv-file with --tls: either side may listen, and so be the server.
#include <poll.h>
#include <signal.h>

#include <array>
#include <thread>

#include "../support/certificates.hpp"
#include "../support/server.hpp"
#include "flow/pump.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

/// The command that a server prints for its clients, with `file` in the place of FILE.
Words printed_command(Process& server, const std::string& file) {
  const auto line = server.err_line("clients connect by: sockx ");
  std::istringstream words(line.substr(line.find("sockx ", line.find("connect by"))));
  Words command;
  for (std::string word; words >> word;) command.push_back(word == "FILE" ? file : word);
  command[0] = sockx_binary();
  return command;
}

/// A peer of another kind. The script finds `s`, a connection to the port, with TLS as a client, and
/// sys.argv[3] is the file of the authority.
Process python_client(const std::string& port, const std::string& authority, const std::string& script) {
  const std::string begin =
      "import socket, ssl, struct, sys\n"
      "c = ssl.create_default_context(cafile=sys.argv[2])\n"
      "raw = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
      "s = c.wrap_socket(raw, server_hostname='localhost')\n";
  return Process({"python3", "-c", begin + script, port, authority});
}

/// Carries bytes between two connections until both have ended.
void carry(const Peer& one, const Peer& other) {
  std::array<pollfd, 2> ends{pollfd{one.fd(), POLLIN, 0}, pollfd{other.fd(), POLLIN, 0}};
  std::array<char, 65536> bytes;
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (poll(ends.data(), ends.size(), 20'000) <= 0) return;
    for (std::size_t i = 0; i < 2; ++i) {
      if (ends[i].revents == 0) continue;
      const auto& to = i == 0 ? other : one;
      const auto got = recv(ends[i].fd, bytes.data(), bytes.size(), 0);
      const auto put = got > 0 ? send(to.fd(), bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) : 0;
      if (got > 0 && put == got) continue;
      shutdown(to.fd(), SHUT_WR);
      ends[i].fd = -1;
    }
  }
}

TEST_CASE("--tls: the command that a listening recv-file prints sends a file to it") {
  const Folder folder;
  const auto content = noise(3'000'001);
  const auto file = write_file(folder / "file", content);
  Process receiver(sockx({"recv-file", "--tls", "-o", folder / "copy", "127.0.0.1", "0"}));
  const auto told = run(printed_command(receiver, file));
  CHECK(told.starts_with("sent 3000001 bytes to 127.0.0.1:"));
  CHECK(contains(told, ", by read-write"));
  check_end(receiver, exited(0));
  CHECK(difference(read_file(folder / "copy"), content) == "");
}

TEST_CASE("--tls: the command that a listening send-file prints fetches the file") {
  const Folder folder;
  const auto content = noise(3'000'001);
  const auto file = write_file(folder / "file", content);
  Process sender(sockx({"send-file", "--listen", "--tls", file, "127.0.0.1:0"}));
  const auto told = run(printed_command(sender, folder / "copy"));
  CHECK(told.starts_with("received 3000001 bytes from "));
  check_end(sender, exited(0));
  CHECK(difference(read_file(folder / "copy"), content) == "");
}

TEST_CASE("--tls: the command that either side prints works with --verified too") {
  const Folder folder;
  const auto content = noise(3'000'001);
  const auto file = write_file(folder / "file", content);
  for (const auto* const place : {"one", "other"}) fs::create_directory(folder / place);
  Process receiver(
      sockx({"recv-file", "--verified", "--tls", "--output-dir", folder / "one", "127.0.0.1", "0"}));
  CHECK(contains(run(printed_command(receiver, file)), ", verified"));
  check_end(receiver, exited(0));
  CHECK(difference(read_file(folder / "one/file"), content) == "");
  Process sender(sockx({"send-file", "--verified", "--listen", "--tls", file, "127.0.0.1:0"}));
  CHECK(contains(run(printed_command(sender, ""), {.folder = folder / "other"}), ", verified"));
  check_end(sender, exited(0));
  CHECK(difference(read_file(folder / "other/file"), content) == "");
}

TEST_CASE("--tls: every method but zerocopy sends the same bytes, and -v says why it is not used") {
  const Folder folder;
  Authority authority("the authority");
  const auto content = noise(1'000'001);
  const auto file = write_file(folder / "file", content);
  Process receiver(sockx({"recv-file", "-k", "-o", folder / "copy-%n", "127.0.0.1", "0"}) +
                   with_certificate(authority.sign()));
  const auto port = port_of(receiver);
  unsigned number = 0;
  for (const auto method : sockx::file_methods()) {
    const std::string name(name_of(method));
    CAPTURE(name);
    Process sender(sockx({"send-file", "-v", "--method", name, "--tls", "--tls-ca", authority.file(), file,
                          "localhost", port}));
    if (method == sockx::TransferMethod::zero_copy) {
      check_failure(sender, 2, "--method zerocopy: with --tls");
      continue;
    }
    check_end(sender, exited(0));
    const bool is_as_asked = method == sockx::TransferMethod::read_write;
    CHECK(is_as_asked != contains(sender.err(), "fell back to read-write for " + file +
                                                    ": the bytes are transformed on the way"));
    CHECK(difference(read_file(folder / ("copy-" + std::to_string(++number))), content) == "");
  }
  receiver.signal(SIGTERM);
  check_end(receiver, killed_by(SIGTERM));
}

TEST_CASE("--tls: a stream of unknown length and an empty one end where the sender does") {
  for (const std::size_t size : {0, 1, 2'000'000}) {
    CAPTURE(size);
    const auto content = noise(size);
    Process receiver(sockx({"recv-file", "--tls", "--method", "splice", "127.0.0.1", "0"}));
    const auto command = printed_command(receiver, "-");
    Process sender(command, {.in = Stdio::pipe()});
    sender.feed(content);
    check_end(sender, exited(0));
    check_end(receiver, exited(0));
    CHECK(difference(receiver.out(), content) == "");
  }
}

TEST_CASE("--tls: each of several streams is verified, and all meet the same key") {
  const Folder folder;
  const auto content = noise(8'000'000);
  const auto file = write_file(folder / "file", content);
  for (const bool sender_listens : {false, true}) {
    CAPTURE(sender_listens);
    const auto place = folder / (sender_listens ? "one" : "other");
    fs::create_directory(place);
    const Words send{"--streams", "4", file}, receive{"--output-dir", place};
    const auto sending = [&](const Words& more) {
      return sockx({"--json", "send-file", "--verified"}) + more;
    };
    const auto receiving = [&](const Words& more) {
      return sockx({"--json", "recv-file", "--verified"}) + more;
    };
    Process server(sender_listens ? sending({"--listen", "--tls"}) + send + Words{"127.0.0.1:0"}
                                  : receiving({"--tls"}) + receive + Words{"127.0.0.1", "0"});
    const auto listening = json::parse(server.out_line("\"event\":\"listening\""));
    const std::string pin = listening.at("tls_pin"), where = listening.at("address");
    const Words verifying{"--tls", "--tls-pin", pin};
    Process client(sender_listens ? receiving({"--connect"}) + verifying + receive + Words{where}
                                  : sending(verifying) + send + Words{where});
    check_end(client, exited(0));
    check_end(server, exited(0));
    CHECK(difference(read_file(place + "/file"), content) == "");
    std::size_t handshakes = 0;
    for (const auto& event : events_in(client.out())) {
      if (event.at("event") != "tls") continue;
      ++handshakes;
      CHECK(event.at("pin") == pin);
      CHECK(event.at("verified_by") == "pin");
    }
    CHECK(handshakes == 4);
  }
}

TEST_CASE("--tls: recv-file --verified --keep-open takes transfers with several streams, several at once") {
  const Folder folder;
  Authority authority("the authority");
  Process receiver(sockx({"recv-file", "--verified", "-k", "--output-dir", folder / "", "127.0.0.1", "0"}) +
                   with_certificate(authority.sign()));
  const auto port = port_of(receiver);
  const auto silent = Peer::connect(port);  // says nothing, and disturbs nobody
  const Folder source;
  std::vector<std::unique_ptr<Process>> senders;
  for (unsigned i = 0; i < 4; ++i) {
    const auto file = write_file(source / ("file-" + std::to_string(i)), noise(3'000'000, i));
    senders.push_back(
        std::make_unique<Process>(sockx({"send-file", "--verified", "--streams", "3", "--tls", "--tls-ca",
                                         authority.file(), file, "localhost:" + port})));
  }
  for (auto& sender : senders) check_end(*sender, exited(0));
  for (unsigned i = 0; i < 4; ++i)
    CHECK(difference(read_file(folder / ("file-" + std::to_string(i))), noise(3'000'000, i)) == "");
  receiver.signal(SIGTERM);
  check_end(receiver, killed_by(SIGTERM));
}

TEST_CASE("--tls: a server that is not who it should be gets no byte of the file, and the status is 12") {
  const Folder folder;
  Authority authority("the authority");
  const auto file = write_file(folder / "file", "secret");
  Process receiver(sockx({"--json", "recv-file", "-k", "--discard", "127.0.0.1", "0"}) +
                   with_certificate(authority.sign()));
  const auto port = port_of(receiver);
  const auto failing = [&](const Words& words, const std::string& said) {
    Process sender(sockx({"send-file"}) + words + Words{file, "localhost:" + port});
    check_failure(sender, 12, "TLS localhost:" + port + ": " + said);
  };
  failing({"--tls"}, "unable to get local issuer certificate");
  failing({"--verified", "--streams", "2", "--tls"}, "unable to get local issuer certificate");
  failing({"--tls", "--tls-ca", authority.file(), "--tls-name", "example.com"},
          "the certificate is not for example.com");
  failing({"--tls", "--tls-pin", "sha256//" + std::string(43, 'A') + "="}, "the peer's key is not");
  receiver.signal(SIGTERM);
  check_end(receiver, killed_by(SIGTERM));
  CHECK_FALSE(contains(receiver.out(), "\"event\":\"received\""));
  Process sender(sockx({"send-file", "--listen", file, "127.0.0.1:0"}) + with_certificate(authority.sign()));
  Process fetcher(
      sockx({"recv-file", "--connect", "--tls", "-o", folder / "copy", "localhost", port_of(sender)}));
  check_failure(fetcher, 12, "unable to get local issuer certificate");
  check_end(sender, exited(12));
  CHECK_FALSE(fs::exists(folder / "copy"));
}

TEST_CASE(
    "--tls: a sender without the certificate that is demanded fails with 12, one that has it does not") {
  const Folder folder;
  Authority authority("the authority");
  const auto file = write_file(folder / "file", noise(2'000'000));
  Process receiver(
      sockx({"recv-file", "-v", "-k", "--discard", "--tls-client-ca", authority.file(), "127.0.0.1", "0"}) +
      with_certificate(authority.sign()));
  const auto port = port_of(receiver);
  const auto client = authority.sign({.subject = "a client"});
  const Words words = sockx({"send-file", "--tls", "--tls-ca", authority.file(), file, "localhost", port});
  Process without(words);
  check_end(without, exited(12));
  CHECK(contains(without.err(), "certificate required"));
  run(words + Words{"--tls-cert", client.certificate, "--tls-key", client.key});
  receiver.err_line("CN=a client");
  receiver.signal(SIGTERM);
  check_end(receiver, killed_by(SIGTERM));
}

TEST_CASE("--tls: an end without close_notify is no end of a file, unless --tls-eof is lenient") {
  Authority authority("the authority");
  const auto files = authority.sign();
  for (const bool is_lenient : {false, true}) {
    CAPTURE(is_lenient);
    const Folder folder;
    Process receiver(sockx({"recv-file", "-o", folder / "copy", "--tls-eof",
                            is_lenient ? "lenient" : "strict", "127.0.0.1", "0"}) +
                     with_certificate(files));
    auto peer = python_client(port_of(receiver), authority.file(),
                              "s.sendall(b'words')\n"
                              "s.shutdown(socket.SHUT_WR)\n"
                              "s.recv(1)\n");
    check_end(receiver, exited(is_lenient ? 0 : 12));
    peer.wait();
    CHECK(is_lenient == fs::exists(folder / "copy"));
    CHECK(folder.size() == (is_lenient ? 1 : 0));
    if (!is_lenient) CHECK(contains(receiver.err(), "the connection has ended without close_notify"));
  }
}

TEST_CASE(
    "--tls: a sender whose receiver resets the connection fails with 7, one that is cut short with 12") {
  Authority authority("the authority");
  const auto files = authority.sign();
  const Folder folder;
  const auto file = write_file(folder / "file", "");
  fs::resize_file(file, 200'000'000);  // more than the buffers of a connection hold
  for (const bool is_reset : {false, true}) {
    CAPTURE(is_reset);
    Process sender(sockx({"send-file", "--listen", file, "127.0.0.1:0"}) + with_certificate(files));
    auto peer = python_client(port_of(sender), authority.file(),
                              is_reset ? "s.recv(1)\n"
                                         "s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "
                                         "struct.pack('ii', 1, 0))\n"
                                         "s.close()\n"
                                       : "s.recv(1)\n"
                                         "s.shutdown(socket.SHUT_WR)\n"
                                         "while s.recv(65536): pass\n");
    check_end(sender, exited(is_reset ? 7 : 12));
    if (!is_reset) CHECK(contains(sender.err(), "without close_notify"));
    peer.wait();
  }
}

TEST_CASE("--tls: a receiver whose sender is killed fails with 7, and with 9 where the length is known") {
  const Folder folder;
  Authority authority("the authority");
  const auto files = authority.sign();
  for (const bool is_known : {false, true}) {
    CAPTURE(is_known);
    Process receiver(sockx({"recv-file", "-o", folder / "copy", "127.0.0.1", "0"}) + with_certificate(files) +
                     (is_known ? Words{"--size", "1Gi"} : Words{}));
    Process sender(
        sockx({"send-file", "--tls", "--tls-ca", authority.file(), "-", "localhost", port_of(receiver)}),
        {.in = Stdio::pipe()});
    sender.write(noise(100'000));
    eventually("some of it has arrived", [&] {
      for (const auto& entry : fs::directory_iterator(folder.path()))
        if (fs::file_size(entry.path()) == 100'000) return true;
      return false;
    });
    sender.signal(SIGKILL);
    check_end(receiver, exited(is_known ? 9 : 7));
    sender.wait();
    CHECK(folder.size() == 0);
  }
}

TEST_CASE("--tls: a stranger between the streams of a listening sender is left, and the transfer is whole") {
  const Folder folder;
  Authority authority("the authority");
  const auto content = noise(3'000'000);
  const auto file = write_file(folder / "file", content);
  fs::create_directory(folder / "in");
  Process sender(sockx({"send-file", "--verified", "--listen", "--streams", "2", file, "127.0.0.1:0"}) +
                 with_certificate(authority.sign()));
  const auto port = port_of(sender);
  PeerListener between;
  Process receiver(sockx({"recv-file", "--verified", "--connect", "--tls", "--tls-ca", authority.file(),
                          "--output-dir", folder / "in", "localhost:" + between.port()}));
  const auto near = between.accept(), far = Peer::connect(port);
  std::thread first([&] { carry(near, far); });
  const auto second_near = between.accept();
  auto stranger = Peer::connect(port);
  stranger.send("GET / HTTP/1.0\r\n\r\n");
  stranger.finish();
  sender.err_line("the peer does not speak TLS");
  const auto second_far = Peer::connect(port);
  std::thread second([&] { carry(second_near, second_far); });
  check_end(receiver, exited(0));
  check_end(sender, exited(0));
  first.join();
  second.join();
  CHECK(difference(read_file(folder / "in/file"), content) == "");
}

TEST_CASE("--tls: recv-file --keep-open reads its certificate again at SIGHUP") {
  const Folder folder;
  Authority authority("the authority");
  const auto files = authority.sign(), next = authority.sign();
  const auto file = write_file(folder / "file", "content");
  Process receiver(sockx({"recv-file", "-v", "-k", "--discard", "127.0.0.1", "0"}) + with_certificate(files));
  const auto port = port_of(receiver);
  const auto words =
      sockx({"send-file", "-v", "--tls", "--tls-ca", authority.file(), file, "localhost", port});
  run(words);
  fs::copy_file(next.certificate, files.certificate, fs::copy_options::overwrite_existing);
  fs::copy_file(next.key, files.key, fs::copy_options::overwrite_existing);
  receiver.signal(SIGHUP);
  const auto line = receiver.err_line("the certificate has been read again: ");
  Process after(words);
  check_end(after, exited(0));
  CHECK(contains(after.err(), line.substr(line.find("sha256//"))));
  receiver.signal(SIGTERM);
  check_end(receiver, killed_by(SIGTERM));
}

TEST_CASE("--tls: options of the other side are usage errors") {
  const auto refused = [](Words words, const std::string& said) {
    Process process(sockx(std::move(words)));
    check_failure(process, 2, said);
  };
  refused({"send-file", "--tls", "--tls-client-ca", "x", "f", "h", "1"},
          "--tls-client-ca: it is for the side that listens");
  refused({"recv-file", "--connect", "--tls", "--tls-pin-file", "x", "-o", "x", "h", "1"},
          "--tls-pin-file: it is for the side that listens");
  refused({"send-file", "--listen", "--tls", "--tls-ca", "x", "f", "1"}, "say --tls-client-ca");
  refused({"recv-file", "--tls", "--tls-name", "x", "-o", "x", "1"},
          "--tls-name: it is for the side that connects");
  refused({"recv-file", "--tls-pin-file", "x", "-o", "x", "1"}, "--tls-pin-file: say --tls too");
  refused({"send-file", "--tls", "f", "unix:/x"}, "say --tls-name");
  refused({"send-file", "--tls", "--compare", "f"}, "--compare cannot be combined with --tls");
}

}  // namespace

}  // namespace test
