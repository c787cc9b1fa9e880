// send-file --verified and recv-file --verified: what arrives, what either end says and ends with, whatever
// becomes of the connection, the disk and the other end.
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <limits>
#include <list>
#include <optional>
#include <random>

#include "../support/events.hpp"
#include "../support/namespace.hpp"
#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "../support/subject.hpp"
#include "transfer/verified/wire.hpp"

namespace test {

namespace {

using Words = std::vector<std::string>;

Words receiver_words(const Words& more) {
  return sockx({"recv-file", "--verified", "--idle-timeout", "10s"}) + more + Words{"127.0.0.1", "0"};
}
Words sender_words(const Words& more, const std::string& port) {
  return sockx({"send-file", "--verified", "--idle-timeout", "10s"}) + more + Words{"127.0.0.1:" + port};
}

/// A transfer with these words at its ends, and with these statuses. What they say is returned.
struct Said {
  std::string sender, receiver, sender_out, receiver_out;
};
Said transfer(const Words& send, const Words& receive, int sender_status = 0, int receiver_status = 0,
              const Process::Options& options = {}) {
  Process receiver(receiver_words(receive));
  Process sender(sender_words(send, port_of(receiver)), options);
  check_end(sender, exited(sender_status));
  check_end(receiver, exited(receiver_status));
  return {sender.err(), receiver.err(), sender.out(), receiver.out()};
}

/// A connection to a receiver by way of the test, which may damage it, or be told how far it is.
class Crossing {
 public:
  static constexpr auto never = std::numeric_limits<std::uint64_t>::max();
  struct Fault {
    std::uint64_t flip_at = never, flip_back_at = never;  // bytes to the receiver, and to the sender
    std::uint64_t stop_at = never;                        // so many bytes to the receiver:
    std::function<void()> stop = {};                      // this is called
    std::chrono::milliseconds pause{};                    // before each 64 KiB to the receiver
  };
  Crossing(std::string port, Fault fault)
      : port_(std::move(port)), fault_(std::move(fault)), thread_([this] { run(); }) {}
  Crossing(const Crossing&) = delete;
  Crossing& operator=(const Crossing&) = delete;
  ~Crossing() {
    if (thread_.joinable()) thread_.join();
  }
  const std::string& port() const { return listener_.port(); }
  /// Once both ends have ended: how many bytes went to the receiver, and back.
  std::pair<std::uint64_t, std::uint64_t> counts() {
    thread_.join();
    return {onward_, back_};
  }

 private:
  void run() {
    try {
      auto near = listener_.accept();
      auto far = Peer::connect(port_);
      carry(near, far);
    } catch (const std::exception&) {  // an end has not come
    }
  }

  void carry(Peer& near, Peer& far) {
    pollfd ends[]{{near.fd(), POLLIN, 0}, {far.fd(), POLLIN, 0}};
    while ((ends[0].fd >= 0 || ends[1].fd >= 0) && poll(ends, 2, 20'000) > 0) {
      for (auto& end : ends) {
        const bool is_onward = &end == ends;
        if (end.fd < 0 || end.revents == 0) continue;
        if (pass(is_onward ? near : far, is_onward ? far : near, is_onward)) continue;
        end.fd = -1;
        (is_onward ? far : near).finish();
      }
    }
  }

  /// False at the end.
  bool pass(Peer& from, Peer& to, bool is_onward) {
    auto& count = is_onward ? onward_ : back_;
    const auto flip_at = is_onward ? fault_.flip_at : fault_.flip_back_at;
    std::string bytes(64 * 1024, '\0');
    if (is_onward) std::this_thread::sleep_for(fault_.pause);
    const auto got = recv(from.fd(), bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    bytes.resize(static_cast<std::size_t>(got));
    if (flip_at >= count && flip_at - count < bytes.size()) bytes[flip_at - count] ^= 4;
    count += bytes.size();
    if (onward_ >= fault_.stop_at && fault_.stop) std::exchange(fault_.stop, {})();
    try {
      to.send(bytes);
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  std::string port_;
  Fault fault_;
  PeerListener listener_;
  std::uint64_t onward_ = 0, back_ = 0;
  std::thread thread_;
};

json event_in(const std::string& out, const std::string& name) { return event_of(events_in(out), name); }

/// What receiving and killed receivers leave of files that are not whole.
bool has_leftovers(const std::string& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (contains(entry.path().filename().string(), ".sockx-")) return true;
  return false;
}

TEST_CASE("verified: a receiver that takes slowly what was sent long ago is no silence") {
  const Folder here, there;
  const auto content = noise(4'000'000);
  Process receiver(receiver_words({"--output-dir", there.path()}));
  Crossing::Fault slow;
  slow.pause = 30ms;  // two megabytes a second
  Crossing crossing(port_of(receiver), slow);
  Process sender(sockx({"send-file", "--verified", "--idle-timeout", "400ms",
                        write_file(here / "file", content), "127.0.0.1:" + crossing.port()}));
  check_end(sender, exited(0));
  check_end(receiver, exited(0));
  CHECK(difference(read_file(there / "file"), content) == "");
}

TEST_CASE("verified: one byte that changes on the way is status 10, and no file has its name") {
  const Folder here;
  const auto content = noise(300'000);
  const auto file = write_file(here / "file", content);
  std::uint64_t onward = 0, back = 0;
  {
    const Folder there;
    Process receiver(receiver_words({"--output-dir", there.path()}));
    Crossing crossing(port_of(receiver), {});
    Process sender(sender_words({file}, crossing.port()));
    check_end(sender, exited(0));
    check_end(receiver, exited(0));
    std::tie(onward, back) = crossing.counts();
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < 52; ++round) {
    const Folder there;
    Process receiver(receiver_words({"--output-dir", there.path()}));
    Crossing::Fault fault;
    if (round >= 40)
      fault.flip_back_at = static_cast<std::uint64_t>(round - 40) * back / 12;
    else if (round < 15)
      fault.flip_at = static_cast<std::uint64_t>(round) * 12;  // greeting, entry, the chunk's frame
    else  // not the Finish, which comes when the file has its name
      fault.flip_at = round < 30 ? random() % (onward - 33) : onward - 33 - random() % 80;
    CAPTURE(fault.flip_at);
    CAPTURE(fault.flip_back_at);
    Crossing crossing(port_of(receiver), fault);
    Process sender(sender_words({file}, crossing.port()));
    check_end(sender, exited(10));
    CHECK(contains(sender.err(), "sockx: "));
    if (round < 40) {
      check_end(receiver, exited(10));
      CHECK_FALSE(fs::exists(there / "file"));
    } else {
      receiver.wait();
    }
  }
}

TEST_CASE(
    "verified: after SIGKILL of either end at any byte nothing wrong has the name, and all is resumed") {
  const Folder here;
  const auto content = noise(8'000'000);
  const auto file = write_file(here / "file", content);
  std::mt19937_64 random(11);
  std::uint64_t resumed = 0;
  const int rounds = is_sanitized() ? 10 : 50;
  for (int round = 0; round < rounds; ++round) {
    const Folder there;
    const Words receive{"--output-dir", there.path()};
    {
      Process receiver(receiver_words(receive));
      std::optional<Process> sender;
      Crossing::Fault fault{.stop_at =
                                round < 4 ? static_cast<std::uint64_t>(round) : random() % content.size()};
      fault.stop = [&] { (round % 2 == 0 ? receiver : *sender).signal(SIGKILL); };
      Crossing crossing(port_of(receiver), fault);
      sender.emplace(sender_words({file}, crossing.port()));
      const auto sender_end = sender->wait(), receiver_end = receiver.wait();
      CHECK((round % 2 == 0 ? receiver_end : sender_end) == killed_by(SIGKILL));
      CHECK((round % 2 == 0 ? sender_end : receiver_end).signal == 0);
      if (!fs::exists(there / "file")) CHECK((round % 2 == 0 ? sender_end : receiver_end) != exited(0));
    }
    if (fs::exists(there / "file")) CHECK(difference(read_file(there / "file"), content) == "");
    const auto said = transfer({"--json", file}, receive);
    CHECK(difference(read_file(there / "file"), content) == "");
    CHECK(there.size() == 1);
    const auto sent = event_in(said.sender_out, "sent");
    CHECK(sent.at("bytes").get<std::uint64_t>() + sent.at("bytes_there").get<std::uint64_t>() ==
          content.size());
    resumed += sent.at("bytes_there").get<std::uint64_t>();
  }
  CHECK(resumed > content.size());
}

TEST_CASE("verified: a full disk is status 11 at the receiver, and 9 with the reason at the sender") {
  const Folder here;
  const auto file = write_file(here / "file", noise(9'000'000));
  fs::create_directory(here / "disk");
  const Namespace full("mount -t tmpfs -o size=4m none " + (here / "disk"));
  if (!full.works()) return;
  Process receiver(full.within(receiver_words({"--output-dir", here / "disk"})));
  Process sender(full.within(sender_words({file}, port_of(receiver))));
  check_end(receiver, exited(11));
  check_end(sender, exited(9));
  CHECK(contains(receiver.err(), "No space left on device"));
  CHECK(contains(sender.err(), "No space left on device"));
  CHECK(run(full.within({"find", here / "disk", "-name", "file"})).empty());
}

TEST_CASE("verified: a limit of the size of files is status 11 at the receiver, and 9 at the sender") {
  const Folder here, there;
  const auto file = write_file(here / "file", noise(3'000'000));
  Process receiver(Words{"sh", "-c", "ulimit -f 2048; exec \"$@\"", "sh"} +
                   receiver_words({"--output-dir", there.path()}));
  Process sender(sender_words({file}, port_of(receiver)));
  check_end(receiver, exited(11));
  check_end(sender, exited(9));
  CHECK(contains(sender.err(), "File too large"));
  CHECK_FALSE(fs::exists(there / "file"));
}

TEST_CASE("verified: a file that cannot be read is status 11 and a line, and the others arrive") {
  if (geteuid() == 0 && is_missing("setpriv")) return;
  const Folder here, there;
  fs::permissions(here.path(), fs::perms(0755));
  fs::create_directory(here / "tree");
  for (const auto* const name : {"tree/a", "tree/b", "tree/c"}) write_file(here / name, name);
  fs::permissions(here / "tree/b", fs::perms(0));
  Process receiver(receiver_words({"--output-dir", there.path()}));
  const Words as_nobody{"setpriv", "--reuid", "65534", "--clear-groups"};
  Process sender((geteuid() == 0 ? as_nobody : Words()) + sender_words({here / "tree"}, port_of(receiver)));
  check_end(sender, exited(11));
  check_end(receiver, exited(0));
  CHECK(contains(sender.err(), "open " + (here / "tree/b") + ": Permission denied"));
  CHECK(read_file(there / "tree/a") == "tree/a");
  CHECK(read_file(there / "tree/c") == "tree/c");
  CHECK_FALSE(fs::exists(there / "tree/b"));
}

TEST_CASE("verified: 10,000 small files arrive") {
  const int folders = is_sanitized() ? 5 : 100;
  const Folder here, there;
  fs::create_directory(here / "tree");
  for (int folder = 0; folder < folders; ++folder) {
    const auto path = here / ("tree/" + std::to_string(folder));
    fs::create_directory(path);
    for (int i = 0; i < 100; ++i)
      write_file(path + "/" + std::to_string(i), noise(1000, static_cast<unsigned>(folder * 100 + i)));
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto said = transfer({"--json", here / "tree"}, {"--json", "--output-dir", there.path()});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  MESSAGE((folders * 100 / took.count()), " files/s");
  for (const auto& result : {event_in(said.sender_out, "sent"), event_in(said.receiver_out, "received")}) {
    CHECK(result.at("files") == folders * 100);
    CHECK(result.at("bytes") == folders * 100'000);
  }
  Process comparing({"diff", "-r", here / "tree", there / "tree"});
  check_end(comparing, exited(0));
  CHECK_FALSE(has_leftovers(there.path()));
}

TEST_CASE("verified: names may be anything but control characters, and those are refused one by one") {
  const Folder here, there;
  fs::create_directory(here / "tree");
  const Words good{"\xc3\xa4\xe2\x82\xac", "not \xff\xfe UTF-8", " a b ", "-rf", "'\"\\",
                   std::string(255, 'n')};
  const Words bad{"two\nlines", "tab\there", "esc\x1b[31m", "c1\xc2\x9b"};
  for (const auto& name : good + bad) write_file(here / ("tree/" + name), name);
  const auto said = transfer({"--json", here / "tree"}, {"--json", "--output-dir", there.path()}, 9, 9);
  for (const auto& name : good) CHECK(read_file(there / ("tree/" + name)) == name);
  CHECK(std::distance(fs::directory_iterator(there / "tree"), fs::directory_iterator()) ==
        static_cast<std::ptrdiff_t>(good.size()));
  for (const auto& result : {event_in(said.sender_out, "sent"), event_in(said.receiver_out, "received")}) {
    CHECK(result.at("files") == good.size());
    CHECK(result.at("files_failed") == bad.size());
  }
  for (const auto& err : {said.sender, said.receiver}) {
    std::size_t lines = 0;
    for (const auto& line : lines_of(err))
      lines += contains(line, "the name has a control character") ? 1 : 0;
    CHECK(lines >= bad.size());
    for (const char letter : err) CHECK((letter == '\n' || static_cast<unsigned char>(letter) >= ' '));
  }
}

TEST_CASE("verified --keep-open: several senders at once, and one that fails is its own misfortune") {
  const Folder here, there;
  Process receiver(receiver_words({"--json", "--keep-open", "--output-dir", there.path()}));
  const auto port = port_of(receiver);
  std::list<Process> senders;
  for (int i = 0; i < 6; ++i) {
    const auto name = "file" + std::to_string(i);
    write_file(here / name, noise(2'000'000, static_cast<unsigned>(i)));
    senders.emplace_back(sender_words({here / name}, port));
  }
  auto stranger = Peer::connect(port);
  stranger.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stranger.finish();
  for (auto& sender : senders) check_end(sender, exited(0));
  for (int i = 0; i < 6; ++i) {
    const auto name = "file" + std::to_string(i);
    CHECK(difference(read_file(there / name), noise(2'000'000, static_cast<unsigned>(i))) == "");
  }
  receiver.err_line("no frame of a verified transfer");
  CHECK(receiver.is_running());
  CHECK(there.size() == 6);
}

TEST_CASE("verified --keep-open --streams: the connections of several senders come to the right ones") {
  const Folder here, there;
  Process receiver(receiver_words({"--keep-open", "--output-dir", there.path()}));
  const auto port = port_of(receiver);
  std::list<Process> senders;
  for (unsigned i = 0; i < 4; ++i) {
    const auto name = "file" + std::to_string(i);
    write_file(here / name, noise(9'000'000, i));
    senders.emplace_back(sender_words({"--streams", i == 0 ? "1" : "4", here / name}, port));
  }
  for (auto& sender : senders) check_end(sender, exited(0));
  for (unsigned i = 0; i < 4; ++i)
    CHECK(difference(read_file(there / ("file" + std::to_string(i))), noise(9'000'000, i)) == "");
  CHECK(receiver.is_running());
  CHECK(there.size() == 4);
}

TEST_CASE("verified --streams: strangers who connect in between, silent or not, keep nobody out") {
  using namespace sockx;
  const Folder there;
  Process receiver(receiver_words({"--output-dir", there.path()}));
  const auto port = port_of(receiver);
  Hello hello;
  hello.streams = 2;
  hello.session.fill(std::byte{7});
  const auto welcome = encode(Welcome());
  auto first = Peer::connect(port);
  first.send(encode(hello));
  CHECK(first.receive(welcome.size()) == welcome);
  const auto silent = Peer::connect(port);
  auto speaking = Peer::connect(port);
  speaking.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  receiver.err_line("does not belong to this transfer, and is closed");
  hello.stream = 1;
  auto second = Peer::connect(port);
  second.send(encode(hello));
  CHECK(second.receive(welcome.size()) == welcome);
  eventually("all are there, and nobody is listened for", [&] {
    try {
      Peer::connect(port);
      return false;
    } catch (const std::system_error&) {
      return true;
    }
  });
  first.send(encode(Entry{0, EntryKind::file, 0644, 0, 0, 3, "file"}));
  const auto offer = encode(Offer{0});
  CHECK(first.receive(offer.size()) == offer);
  second.send(encode(Chunk{0, Encoding::plain, {0, 3}, 3}) + "abc" + xxh3_128("abc"));
  first.send(encode(sockx::End{0, 3, 3}) + encode(Finish()));
  const auto answer = encode(Done{0}) + encode(Finish());
  CHECK(first.receive(answer.size()) == answer);
  first.finish();
  check_end(receiver, exited(0));
  CHECK(read_file(there / "file") == "abc");
}

TEST_CASE("verified: while one sender is served the next is refused") {
  using namespace sockx;
  const Folder there;
  Process receiver(receiver_words({"--output-dir", there.path()}));
  const auto port = port_of(receiver);
  auto first = Peer::connect(port);
  first.send(encode(Hello()));
  const auto welcome = encode(Welcome());
  CHECK(first.receive(welcome.size()) == welcome);
  CHECK_THROWS_AS(Peer::connect(port), std::system_error);
  first.send(encode(Finish()));
  first.finish();
  check_end(receiver, exited(0));
}

TEST_CASE("verified: no words of the other end do anything to the terminal") {
  using namespace sockx;
  const Folder here;
  PeerListener listener;
  Process sender(
      sender_words({"--log-file", here / "log", write_file(here / "file", "content")}, listener.port()));
  auto peer = listener.accept();
  peer.receive(encode(Hello()).size());
  peer.send(encode(Welcome()));
  peer.receive(frame_header_size);  // the entry
  peer.send(encode(Offer{0,
                         Offer::State::unwanted,
                         Status::incomplete,
                         "no \x1b[31mred\xc2\x9b"
                         "2J\nmore",
                         {},
                         {}}));
  std::string heard = peer.receive(1);
  while (!heard.ends_with(encode(Finish()))) {
    const auto more = peer.receive(1);
    REQUIRE_FALSE(more.empty());
    heard += more;
  }
  peer.send(encode(Finish()));
  peer.finish();
  check_end(sender, exited(9));
  for (const auto& shown : {sender.err(), read_file(here / "log")}) {
    CHECK(contains(shown, "no ?[31mred?2J?more"));
    CHECK_FALSE(contains(shown, "\x1b"));
    CHECK_FALSE(contains(shown, "\xc2\x9b"));
  }
}

TEST_CASE("verified: what befalls one file where it is to go is a line at both ends, and the others arrive") {
  const Folder here, there;
  const auto content = noise(3'000'000);
  const auto file = write_file(here / "a", content), other = write_file(here / "b", "other");
  Process receiver(receiver_words({"--force", "--output-dir", there.path()}));
  Crossing::Fault fault{.stop_at = 1'000'000};
  fault.stop = [&] { fs::create_directory(there / "a"); };
  Crossing crossing(port_of(receiver), fault);
  Process sender(sender_words({file, other}, crossing.port()));
  check_end(sender, exited(9));
  check_end(receiver, exited(9));
  CHECK(contains(sender.err(), "Is a directory"));
  CHECK(contains(sender.err(), "sockx: 1 of 2 files was not sent: "));
  CHECK(contains(receiver.err(), "sockx: 1 of 2 files was not received: "));
  CHECK(contains(receiver.err(), there / "a: rename to"));
  CHECK(read_file(there / "b") == "other");
}

TEST_CASE("verified --force: a file that is there is kept without, and replaced with it") {
  const Folder here, there;
  const auto file = write_file(here / "file", "new content");
  write_file(there / "file", "old");
  const auto refused = transfer({file}, {"--output-dir", there.path()}, 9, 9);
  CHECK(contains(refused.sender, "it exists; use recv-file --force to replace it"));
  CHECK(contains(refused.receiver, "it exists; use recv-file --force to replace it"));
  CHECK(read_file(there / "file") == "old");
  transfer({file}, {"--output-dir", there.path(), "--force"});
  CHECK(read_file(there / "file") == "new content");
  const auto again = transfer({"--json", file}, {"--output-dir", there.path()});
  CHECK(event_in(again.sender_out, "sent").at("files_there") == 1);
}

TEST_CASE("verified --max-size, --max-files: what is beyond is refused with 9, the rest arrives") {
  const Folder here, there;
  fs::create_directory(here / "tree");
  write_file(here / "tree/a", noise(100));
  write_file(here / "tree/b", noise(101));
  write_file(here / "tree/c", noise(99));
  const auto size = transfer({here / "tree"}, {"--output-dir", there.path(), "--max-size", "100"}, 9, 9);
  CHECK(contains(size.sender, "101 bytes are more than the 100 that --max-size allows"));
  CHECK(fs::exists(there / "tree/a"));
  CHECK_FALSE(fs::exists(there / "tree/b"));
  CHECK(fs::exists(there / "tree/c"));

  Process::Options endless;
  endless.in = Stdio::file("/dev/zero", O_RDONLY);
  const auto stream =
      transfer({"--name", "zeros", "-"}, {"--output-dir", there.path(), "--max-size", "3M"}, 9, 9, endless);
  CHECK(contains(stream.sender, "longer than the 3000000 bytes that --max-size allows"));
  CHECK_FALSE(fs::exists(there / "zeros"));
  CHECK_FALSE(has_leftovers(there.path()));

  const auto files = transfer({here / "tree"}, {"--output-dir", there.path(), "--max-files", "2"}, 9, 9);
  CHECK(contains(files.sender, "more than 2 files; --max-files allows more"));
}

TEST_CASE("verified -o: one file has that name, and more are refused") {
  const Folder here, there;
  write_file(here / "a", "a");
  write_file(here / "b", "b");
  transfer({here / "a"}, {"-o", there / "sub"});
  CHECK(read_file(there / "sub") == "a");
  const auto said = transfer({here / "a", here / "b"}, {"-o", there / "one"}, 9, 9);
  CHECK(contains(said.sender, "one file is all that --output has a name for"));
  CHECK(read_file(there / "one") == "a");
  CHECK(there.size() == 2);
}

TEST_CASE("verified -: standard input has the name that either end gives it, or is refused") {
  const Folder here, there;
  const auto content = noise(2'500'000);
  Process::Options options;
  options.in = Stdio::input(write_file(here / "content", content));
  transfer({"--name", "named", "-"}, {"--output-dir", there.path()}, 0, 0, options);
  CHECK(difference(read_file(there / "named"), content) == "");
  options.in = Stdio::null();
  transfer({"--name", "piped", "-"}, {"--output-dir", there.path()}, 0, 0, options);
  struct stat piped {};
  REQUIRE(stat((there / "piped").c_str(), &piped) == 0);
  const auto mask = umask(0);
  umask(mask);
  CHECK((piped.st_mode & 0777) == (0666 & ~mask));
  options.in = Stdio::input(here / "content");
  transfer({"-"}, {"-o", there / "other"}, 0, 0, options);
  CHECK(difference(read_file(there / "other"), content) == "");
  options.in = Stdio::input(here / "content");
  const auto said = transfer({"-"}, {"--output-dir", there.path()}, 9, 9, options);
  CHECK(contains(said.sender, "standard input has no name: say --name NAME at the sender"));
  CHECK(there.size() == 3);
}

TEST_CASE("verified --name: what no receiver would take is refused before anything is sent") {
  const Folder here;
  const auto file = write_file(here / "file", "content");
  for (const auto& name :
       {std::string("../file"), std::string("/file"), std::string(5000, 'n'), std::string("a\nb")}) {
    const HeldPort nobody;
    Process sender(sender_words({"--name", name, file}, nobody.port()));
    check_failure(sender, 2, "--name '");
  }
}

TEST_CASE("verified --streams: a file and a folder over four connections") {
  const Folder here, there;
  fs::create_directory(here / "tree");
  const auto content = noise(15'000'000);
  write_file(here / "tree/large", content);
  for (int i = 0; i < 50; ++i)
    write_file(here / ("tree/" + std::to_string(i)), noise(5000, static_cast<unsigned>(i)));
  // Less than a chunk, in several pieces.
  for (const auto* const name : {"tree/0sparse", "tree/sparse"}) {
    write_file(here / name, "begin");
    fs::resize_file(here / name, 500'000);
    std::ofstream(here / name, std::ios::app) << "end";
  }
  for (const std::string hash : {"xxh3-128", "sha256"}) {
    const auto said = transfer({"--json", "--streams", "4", "--hash", hash, here / "tree"},
                               {"--json", "--output-dir", there.path(), "--force"});
    CHECK(event_in(said.sender_out, "sent").at("hash") == hash);
    CHECK(event_in(said.receiver_out, "received").at("hash") == hash);
    Process comparing({"diff", "-r", here / "tree", there / "tree"});
    check_end(comparing, exited(0));
    fs::remove_all(there / "tree");
  }
}

TEST_CASE("verified --listen, --connect: the receiver comes for the files, also over several connections") {
  for (const auto* const streams : {"1", "3"}) {
    const Folder here, there;
    const auto content = noise(9'000'000);
    const auto file = write_file(here / "file", content);
    Process sender(sockx({"send-file", "--verified", "--listen", "--idle-timeout", "10s", "--streams",
                          streams, file, "127.0.0.1:0"}));
    Process receiver(sockx({"recv-file", "--verified", "--connect", "--idle-timeout", "10s", "--output-dir",
                            there.path(), "127.0.0.1", port_of(sender)}));
    check_end(sender, exited(0));
    check_end(receiver, exited(0));
    CHECK(difference(read_file(there / "file"), content) == "");
  }
}

TEST_CASE("verified: a sender or a receiver without --verified gets no file through, and both ends say so") {
  const Folder here, there;
  for (const std::size_t size : {5, 100, 3'000'000}) {
    const auto file = write_file(here / "file", std::string(size, 'x'));
    Process receiver(receiver_words({"--output-dir", there.path()}));
    Process sender(sockx({"send-file", file, "127.0.0.1:" + port_of(receiver)}));
    check_failure(receiver, 10, "does it send with --verified?");
    CHECK(sender.wait() != exited(0));
    CHECK(there.size() == 0);
  }
  const auto file = write_file(here / "file", "content");
  Process receiver(sockx({"recv-file", "-o", there / "raw", "127.0.0.1", "0"}));
  Process sender(
      sockx({"send-file", "--verified", "--idle-timeout", "300ms", file, "127.0.0.1:" + port_of(receiver)}));
  const auto end = sender.wait();
  CHECK((end == exited(5) || end == exited(9)));
  CHECK_FALSE(sender.err().empty());
}

TEST_CASE("verified: no hostile sender makes the receiver take much memory, or end other than by 9 or 10") {
  using namespace sockx;
  const auto hello = encode(Hello());
  const auto file = [](std::uint32_t id, const std::string& name) {
    return encode(Entry{id, EntryKind::file, 0644, 0, 0, unknown, name});
  };
  struct Attack {
    std::string name;
    std::function<std::string(std::uint32_t)> piece;
    int status;
  };
  const auto small_chunk = [&](std::uint32_t i) {
    return (i == 0 ? hello + file(0, "victim") : "") + encode(Chunk{0, Encoding::plain, {i * 2, 1}, 1}) +
           "x" + xxh3_128("x");
  };
  const Attack attacks[]{
      {"a million entries with bad names",
       [&](auto i) { return (i == 0 ? hello : "") + file(i, "../" + std::string(4000, 'n')); }, 9},
      {"entries that never end",
       [&](auto i) { return (i == 0 ? hello : "") + file(i, "victim" + std::to_string(i)); }, 10},
      {"chunks that never touch", small_chunk, 10},
      {"noise", [&](auto i) { return noise(4096, i + 1); }, 10},
      {"messages that never end", [&](auto) { return std::string("sx\x0a\0\xff\xff\xff\xff", 8); }, 10},
  };
  // A sanitizer needs more memory than that, and time: there it is looked at for crashes alone.
  const std::string most_files = is_sanitized() ? "1000" : "20000";
  for (const auto& [name, piece, status] : attacks) {
    CAPTURE(name);
    const Folder there;
    Process receiver(receiver_words({"--output-dir", there.path(), "--max-files", most_files}));
    auto peer = Peer::connect(port_of(receiver));
    std::string answers(4096, '\0');
    std::size_t most_memory = 0;
    try {
      for (std::uint32_t i = 0; i < 200'000; ++i) {
        peer.send(piece(i));
        recv(peer.fd(), answers.data(), answers.size(), MSG_DONTWAIT);
        if (i % 100 == 0) most_memory = receiver.peak_memory();
      }
      most_memory = receiver.peak_memory();
    } catch (const std::exception&) {  // it has given up, and waits no longer for us to hear it
    }
    CHECK(most_memory > 0);
    if (!is_sanitized()) CHECK(most_memory < 16 * 1024);
    peer.finish();
    check_end(receiver, exited(status));
    CHECK_FALSE(fs::exists(there / "victim"));
  }
}

}  // namespace

}  // namespace test
