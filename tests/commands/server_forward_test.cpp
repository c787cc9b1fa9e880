// listen --keep-open --forward: what one side does is what the other sees.
#include <signal.h>
#include <sys/resource.h>

#include "../support/server.hpp"
#include "net/socket.hpp"
#include "os/calls.hpp"

namespace test {

namespace {

/// A forwarding server, the client that came first, and the connection that was dialed for it.
struct Forwarded {
  PeerListener target;
  Server server{{"-k", "--forward", "127.0.0.1:" + target.port()}};
  Peer near = server.connect(), far = target.accept();
};

TEST_CASE("forward: the end of either direction leaves the other open") {
  Forwarded pair;
  pair.near.send("question");
  pair.near.finish();
  CHECK(pair.far.receive_all() == "question");
  pair.far.send("answer");
  CHECK(pair.near.receive(6) == "answer");
  pair.far.finish();
  CHECK(pair.near.receive_all() == "");
  CHECK(pair.server.event("closed").at("complete") == true);

  auto near = pair.server.connect(), far = pair.target.accept();
  far.send("greeting");
  far.finish();
  CHECK(near.receive_all() == "greeting");
  near.send("reply");
  near.finish();
  CHECK(far.receive_all() == "reply");
  const auto closed = pair.server.event("closed");
  CHECK(closed.at("received") == 5);
  CHECK(closed.at("sent") == 8);
  pair.server.wait_until_free();
}

TEST_CASE("forward: a reset of either side is a reset of the other, and no clean end") {
  Forwarded pair;
  check_echo(pair.near, "");
  pair.near.send("half");
  CHECK(pair.far.receive(4) == "half");
  pair.near.reset();
  CHECK(pair.far.ends_by_reset());
  CHECK(pair.server.event("closed").at("complete") == false);

  auto near = pair.server.connect(), far = pair.target.accept();
  far.send("half");
  CHECK(near.receive(4) == "half");
  far.reset();
  CHECK(near.ends_by_reset());
  pair.server.wait_until_free();

  auto last = pair.server.connect(), beyond = pair.target.accept();
  last.send("x");
  CHECK(beyond.receive(1) == "x");
  pair.server.process.signal(SIGKILL);
  CHECK(last.ends_by_reset());
  CHECK(beyond.ends_by_reset());
}

TEST_CASE("forward: a target that refuses resets that client, and serves the next once it listens") {
  HeldPort target;
  Server server({"-k", "--forward", "127.0.0.1:" + target.port()});
  auto refused = server.connect();
  CHECK(refused.ends_by_reset());
  const auto closed = server.event("closed");
  CHECK(closed.at("complete") == false);
  CHECK(contains(closed.at("reason"), "Connection refused"));
  target.listen_now();
  auto near = server.connect(), far = target.accept();
  near.send("now");
  CHECK(far.receive(3) == "now");
}

TEST_CASE("forward: while one client's connection is not yet made, the others go on") {
  PeerListener target(0);  // a queue with room for one
  Server server({"-k", "--forward", "127.0.0.1:" + target.port()});
  auto near = server.connect(), far = target.accept();
  std::vector<Peer> waiting;
  for (int i = 0; i < 4; ++i) waiting.push_back(server.connect());
  for (int i = 0; i < 5; ++i) server.event("accepted");
  near.send("there");
  CHECK(far.receive(5) == "there");
  far.send("back");
  CHECK(near.receive(4) == "back");
  waiting.clear();
  near.finish();
  CHECK(far.receive_all() == "");
}

TEST_CASE("forward: streams in both directions at once are whole") {
  Server target({"-k", "--handler", "echo"});
  Server server({"-k", "--forward", target.endpoint()});
  check_load(server, "connect", 4, 8, 8'000'000);
  check_load(server, "exchange", 50, 20);
  server.wait_until_free();
  target.wait_until_free();
}

/// More than one buffer of a unix socket holds, and less than two.
constexpr std::size_t queued = 300'000;

TEST_CASE("forward: a target on a unix socket that sends and closes has sent everything") {
  const Folder folder;
  const auto content = noise(queued);
  sockx::Socket target = sockx::Socket::open(AF_UNIX, SOCK_STREAM, 0);
  target.bind(sockx::Address::unix_name(folder / "target"));
  target.listen(1);
  Server server({"-k", "--forward", "unix:" + (folder / "target")}, "unix:" + (folder / "near"));
  auto near = server.connect();
  eventually("it is dialed", [&] { return sockx::is_readable_now(target.fd()); });
  Peer far(UniqueFd(accept(target.fd(), nullptr, nullptr)));
  far.send(content);
  far.close();  // while most of it is on its way
  CHECK(difference(near.receive_all(), content) == "");
  near.finish();
  CHECK(server.event("closed").at("complete") == true);
  server.wait_until_free();
}

TEST_CASE("forward: a client on a unix socket that sends and closes has sent everything") {
  const Folder folder;
  const auto content = noise(queued);
  PeerListener target;
  Server server({"-k", "--forward", "127.0.0.1:" + target.port()}, "unix:" + (folder / "near"));
  auto near = server.connect();
  auto far = target.accept();
  near.send(content);
  near.close();
  CHECK(difference(far.receive_all(), content) == "");
  far.finish();
  CHECK(server.event("closed").at("complete") == true);
  server.wait_until_free();
}

TEST_CASE("forward: 200 at once of a user whose pipes are few stay correct") {
  if (getuid() != 0 || is_missing("setpriv")) return;
  const Folder folder;
  const auto copy = folder / "sockx";
  fs::copy_file(sockx_binary(), copy);
  fs::permissions(folder.path(), fs::perms::others_exec, fs::perm_options::add);
  Server target({"-k", "--handler", "echo"});
  Server server({"-k", "--forward", target.endpoint()}, "127.0.0.1:0",
                {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c",
                 "shift; exec \"$0\" \"$@\"", copy});
  check_load(server, "exchange", 200, is_sanitized() ? 1 : 2, is_sanitized() ? 100'000 : 1'000'000);
  server.wait_until_free();
}

}  // namespace

}  // namespace test
