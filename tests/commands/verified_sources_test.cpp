// send-file --verified: what there is to be sent, and what it takes to send it.
#include <signal.h>
#include <sys/stat.h>

#include "../support/events.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

Words receiving_into(const Folder& there) {
  return sockx(
      {"recv-file", "--verified", "--idle-timeout", "10s", "--output-dir", there.path(), "127.0.0.1", "0"});
}

}  // namespace

TEST_CASE("verified --streams: with any number of descriptors the sender ends, and says what there was not") {
  const Folder here;
  write_file(here / "large", noise(3'000'000));
  write_file(here / "small", "content");
  unsigned refused = 0;
  for (int most = 15; most < 25; ++most) {
    CAPTURE(most);
    const Folder there;
    Process receiver(receiving_into(there));
    const auto limit = "ulimit -n " + std::to_string(most) + "; exec \"$@\"";
    Process sender(Words{"sh", "-c", limit, "sh"} +
                   sockx({"send-file", "--verified", "--idle-timeout", "10s", "--streams", "6",
                          here / "large", here / "small", "127.0.0.1:" + port_of(receiver)}));
    const auto end = sender.wait();
    receiver.wait();
    CHECK_FALSE(contains(sender.err(), "no byte in either direction"));
    if (!contains(sender.err(), "large again: Too many open files")) continue;
    ++refused;
    CHECK(end == exited(11));
    if (!contains(sender.err(), "open " + (here / "small"))) CHECK(read_file(there / "small") == "content");
  }
  CHECK(refused > 0);
}

TEST_CASE("verified: a fifo is sent once somebody writes to it, and a SIGTERM ends the wait for that") {
  const Folder here;
  const auto fifo = here / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  write_file(here / "before", "before");
  for (const bool is_written : {true, false}) {
    const Folder there;
    Process receiver(receiving_into(there));
    Process sender(
        sockx({"send-file", "--verified", "-v", here / "before", fifo, "127.0.0.1:" + port_of(receiver)}));
    sender.err_line("before is whole");
    if (is_written) {
      write_file(fifo, "content");
      check_end(sender, exited(0));
      check_end(receiver, exited(0));
      CHECK(read_file(there / "fifo") == "content");
    } else {
      sender.signal(SIGTERM);
      CHECK(sender.wait() == killed_by(SIGTERM));
      receiver.wait();
    }
  }
}

TEST_CASE("verified: links travel, what cannot be sent is a line each and status 9, and the rest arrives") {
  const Folder here, there;
  fs::create_directories(here / "tree/sub");
  write_file(here / "tree/file", "content");
  fs::create_symlink("../file", here / "tree/sub/link");
  fs::create_symlink("/etc/passwd", here / "tree/out");
  REQUIRE(mkfifo((here / "tree/fifo").c_str(), 0600) == 0);
  Process receiver(receiving_into(there));
  Process sender(sockx({"send-file", "--verified", here / "tree", "127.0.0.1:" + port_of(receiver)}));
  check_end(sender, exited(9));
  check_end(receiver, exited(0));
  CHECK(contains(sender.err(), here / "tree/fifo is a fifo, and is not sent"));
  CHECK(
      contains(sender.err(), here / "tree/out is a symbolic link whose target is absolute, and is not sent"));
  CHECK(read_file(there / "tree/sub/link") == "content");
  CHECK(fs::read_symlink(there / "tree/sub/link") == "../file");
  CHECK(contains(sender.out(), "; 2 left out, incomplete"));
  CHECK_FALSE(fs::exists(fs::symlink_status(there / "tree/out")));
}

TEST_CASE("verified: the last event says how many of what failed could not be sent at all") {
  const Folder here, there;
  fs::create_directories(here / "tree");
  fs::create_directories(there / "tree/file");  // which is in the way of a file
  write_file(here / "tree/file", "content");
  REQUIRE(mkfifo((here / "tree/fifo").c_str(), 0600) == 0);
  Process receiver(receiving_into(there));
  Process sender(
      sockx({"send-file", "--json", "--verified", here / "tree", "127.0.0.1:" + port_of(receiver)}));
  check_end(sender, exited(9));
  receiver.wait();
  const auto sent = event_of(events_in(sender.out()), "sent");
  CHECK(sent.at("files_failed") == 1);
  CHECK(sent.at("files_left_out") == 1);
}

}  // namespace test
