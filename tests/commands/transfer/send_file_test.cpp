// send-file: which bytes, by which method, at what rate, and when it may call itself done.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "../../support/descriptors.hpp"
#include "../../support/events.hpp"
#include "../../support/peer.hpp"
#include "../../support/sockx.hpp"
#include "flow/pump.hpp"

namespace test {

namespace {

/// All of --method, the choice of sockx's own included.
std::vector<std::string> all_methods() {
  std::vector<std::string> names{"auto"};
  for (const auto method : sockx::file_methods()) names.emplace_back(sockx::name_of(method));
  return names;
}

/// What arrives of send-file with these words, which must end well.
std::string sent_by(const std::vector<std::string>& words, const Process::Options& options = {}) {
  Process receiving(sockx({"recv-file", "127.0.0.1", "0"}));
  run(sockx({"send-file"}) + words + std::vector<std::string>{"127.0.0.1:" + port_of(receiving)}, options);
  check_end(receiving, exited(0));
  return receiving.out();
}

TEST_CASE("send-file: every method sends the same bytes, whatever the chunk, offset and count") {
  const Folder folder;
  const auto content = noise(3'000'001);
  const auto file = write_file(folder / "file", content);
  for (const auto& method : all_methods()) {
    CAPTURE(method);
    const std::vector<std::string> words{file, "--method", method};
    CHECK(difference(sent_by(words), content) == "");
    CHECK(difference(sent_by(words + std::vector<std::string>{"--chunk", "4097"}), content) == "");
    CHECK(difference(sent_by(words + std::vector<std::string>{"--offset", "5001", "--count", "1000003"}),
                     content.substr(5001, 1'000'003)) == "");
    CHECK(sent_by(words + std::vector<std::string>{"--count", "0"}).empty());
    CHECK(sent_by(words + std::vector<std::string>{"--offset", "3000001"}).empty());
    CHECK(sent_by(words + std::vector<std::string>{"--offset", "3000000", "--count", "1Gi"}) ==
          content.substr(3'000'000));
  }
}

// The shadow memory of a sanitizer counts as well.
TEST_CASE("send-file, recv-file: memory does not grow with the file, whatever the method" *
          doctest::skip(is_sanitized())) {
  const Folder folder;
  const auto file = write_file(folder / "file", "");
  fs::resize_file(file, 256U << 20U);
  Process receiving(sockx({"recv-file", "--keep-open", "--discard", "127.0.0.1", "0"}));
  const auto port = port_of(receiving);
  for (const auto& method : all_methods()) {
    CAPTURE(method);
    PeerListener listener;
    Process sending(sockx({"send-file", "--method", method, file, "127.0.0.1", listener.port()}));
    auto peer = listener.accept();
    constexpr std::size_t part = 1U << 20U;
    while (peer.receive(part).size() == part) continue;
    CHECK(sending.peak_memory() < 24 * 1024);
    peer.close();
    check_end(sending, exited(0));
    run(sockx({"send-file", "--method", method, file, "127.0.0.1", port}));
    receiving.out_line("received 268435456 bytes");
    CHECK(receiving.peak_memory() < 24 * 1024);
  }
}

TEST_CASE("send-file: an empty file, a file of /proc, a device") {
  const Folder folder;
  for (const auto& method : all_methods()) {
    CAPTURE(method);
    CHECK(sent_by({write_file(folder / "empty", ""), "--method", method}).empty());
    CHECK(sent_by({"/proc/version", "--method", method}) == read_file("/proc/version"));
    CHECK(sent_by({"/dev/zero", "--count", "100000", "--method", method}) == std::string(100'000, '\0'));
  }
}

TEST_CASE("send-file -: stdin, be it a pipe, a file at its offset, or nothing") {
  const Folder folder;
  const auto content = noise(2'000'000);
  write_file(folder / "file", content);
  {
    Process receiving(sockx({"recv-file", "127.0.0.1", "0"}));
    Process sending(sockx({"send-file", "-", "127.0.0.1", port_of(receiving)}), {Stdio::pipe()});
    sending.feed(content);
    check_end(sending, exited(0));
    check_end(receiving, exited(0));
    CHECK(difference(receiving.out(), content) == "");
  }
  const UniqueFd file(open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(lseek(file.get(), 1000, SEEK_SET) == 1000);
  CHECK(difference(sent_by({"-"}, {Stdio::given(file.get())}), content.substr(1000)) == "");
  CHECK(lseek(file.get(), 0, SEEK_CUR) == 2'000'000);
  CHECK(sent_by({"-"}).empty());
}

TEST_CASE("send-file: an offset into a pipe or behind the end is a usage error") {
  const Folder folder;
  const auto file = write_file(folder / "file", "12345");
  Process beyond(sockx({"send-file", "--offset", "6", file, "127.0.0.1:80"}));
  check_failure(beyond, 2, "has only 5 bytes");
  Process pipe(sockx({"send-file", "--offset", "1", "-", "127.0.0.1:80"}), {Stdio::pipe()});
  check_failure(pipe, 2, "cannot seek");
}

TEST_CASE("send-file: the summary names bytes, peer, time, rate and method, and with -v what it cost") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(1'500'000));
  Process receiving(sockx({"recv-file", "--discard", "--keep-open", "127.0.0.1", "0"}));
  const auto port = port_of(receiving);
  const auto plain = lines_of(run(sockx({"send-file", file, "127.0.0.1", port})));
  REQUIRE(plain.size() == 1);
  CHECK(plain[0].starts_with("sent 1500000 bytes to 127.0.0.1:" + port + " in 0."));
  CHECK(plain[0].ends_with("/s, by sendfile"));
  const auto total = receiving.out_line("received 1500000 bytes from 127.0.0.1:");
  CHECK(total.ends_with("/s"));
  CHECK_FALSE(contains(total, "("));
  const auto lines = lines_of(run(sockx({"-v", "send-file", file, "127.0.0.1", port})));
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].starts_with("CPU "));
  CHECK(contains(lines[1], "system calls"));
  CHECK(contains(lines[1], "context switches"));
}

TEST_CASE("send-file --method zerocopy: the summary tells what the kernel copied all the same") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(1'500'000));
  Process receiving(sockx({"recv-file", "--discard", "--keep-open", "127.0.0.1", "0"}));
  const auto endpoint = "127.0.0.1:" + port_of(receiving);
  const auto shown = run(sockx({"send-file", "--method", "zerocopy", file, endpoint}));
  CHECK(lines_of(shown).front().ends_with(", by zerocopy (the kernel copied 100 %)"));
  const std::vector<std::string> as_json{"--json", "send-file", file, endpoint, "--method"};
  CHECK(event_of(events_in(run(sockx(as_json) + std::vector<std::string>{"zerocopy"})), "sent")
            .at("copied_bytes") == 1'500'000);
  CHECK(event_of(events_in(run(sockx(as_json) + std::vector<std::string>{"sendfile"})), "sent")
            .at("copied_bytes")
            .is_null());
}

TEST_CASE("send-file: a method that does not work here gives way to copying, and -v says why") {
  const Folder folder;
  const auto content = noise(300'000);
  const auto file = write_file(folder / "file", content);
  const auto endpoint = "unix:" + (folder / "socket");
  Process receiving(sockx({"--log-level", "info", "recv-file", endpoint}));
  receiving.err_line("listening");
  Process sending(sockx({"-v", "send-file", "--method", "zerocopy", file, endpoint}));
  check_end(sending, exited(0));
  check_end(receiving, exited(0));
  CHECK(difference(receiving.out(), content) == "");
  CHECK(contains(sending.err(), "fell back to read-write for " + file + ": "));
  CHECK(contains(sending.out(), "by read-write"));
}

TEST_CASE("send-file --rate: no faster, and not much slower") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(1'000'000));
  for (const std::string method : {"sendfile", "read-write", "splice", "zerocopy", "io-uring"}) {
    const auto begun = std::chrono::steady_clock::now();
    CHECK(sent_by({file, "--rate", "2M", "--method", method}).size() == 1'000'000);
    const std::chrono::duration<double> span = std::chrono::steady_clock::now() - begun;
    CAPTURE(method);
    CHECK(span.count() > 0.45);
    CHECK(span.count() < 60);
  }
}

TEST_CASE(
    "send-file: an input that cannot be read is a reset for the peer, and a folder is said before it "
    "connects") {
  const Folder folder;
  const auto file = write_file(folder / "file", "unreadable");
  for (const bool is_standard_input : {true, false}) {
    CAPTURE(is_standard_input);
    PeerListener listener;
    Process::Options options;
    options.in = Stdio::file(is_standard_input ? file : "/dev/null", O_WRONLY);
    Process sending(
        sockx({"send-file", is_standard_input ? "-" : "/proc/self/mem", "127.0.0.1", listener.port()}),
        options);
    auto peer = listener.accept();
    CHECK(peer.ends_by_reset());
    check_failure(sending, 11, is_standard_input ? "Bad file descriptor" : "Input/output error");
  }
  for (const bool is_standard_input : {true, false}) {
    Process::Options options;
    options.in = Stdio::file(is_standard_input ? folder.path() : "/dev/null", O_RDONLY);
    Process sending(sockx({"send-file", is_standard_input ? "-" : folder.path(), "127.0.0.1", "9"}), options);
    check_failure(sending, 11, "Is a directory");
  }
}

TEST_CASE("send-file: a peer that sends everything back does not stall it") {
  if (is_missing("socat")) return;
  const Folder folder;
  const auto file = write_file(folder / "file", noise(30'000'000));
  Process echo({"socat", "TCP-LISTEN:0,bind=127.0.0.1", "PIPE"});
  run(sockx({"send-file", file, "127.0.0.1", port_of(echo)}));
}

TEST_CASE("send-file: a peer that is killed midway is status 7 with a line") {
  if (is_missing("nc.openbsd")) return;
  Process receiving({"nc.openbsd", "-l", "127.0.0.1", "0"}, {Stdio::null(), Stdio::null()});
  Process sending(
      sockx({"send-file", "--events", "/dev/null", "/dev/zero", "127.0.0.1", port_of(receiving)}));
  eventually("the peer reads", [&] {
    const auto io = read_file("/proc/" + std::to_string(receiving.pid()) + "/io");
    return std::stoul(io.substr(io.find("rchar: ") + 7)) > 1'000'000;
  });
  receiving.signal(SIGKILL);
  check_end(sending, exited(7));
  CHECK(contains(sending.err(), "sockx: "));
  CHECK(lines_of(sending.err()).size() == 1);
}

TEST_CASE("send-file: a file that shrinks meanwhile is status 9, and the receiver sees no clean end") {
  const Folder folder;
  for (const auto& method : all_methods()) {
    CAPTURE(method);
    const auto file = write_file(folder / "file", noise(4'000'000));
    Process receiving(sockx({"recv-file", "-o", folder / "out", "127.0.0.1", "0"}));
    Process sending(
        sockx({"send-file", "--rate", "2M", "--method", method, file, "127.0.0.1", port_of(receiving)}));
    eventually("bytes in the temporary file", [&] {
      for (const auto& entry : fs::directory_iterator(folder.path()))
        if (entry.path() != file && entry.file_size() > 100'000) return true;
      return false;
    });
    fs::resize_file(file, 50'000);
    check_failure(sending, 9, "has become shorter");
    check_end(receiving, exited(7));
    CHECK_FALSE(fs::exists(folder / "out"));
    CHECK(folder.size() == 1);
  }
}

TEST_CASE("send-file: a file that grows meanwhile is sent with the size that it had") {
  const Folder folder;
  const auto content = noise(1'000'000);
  const auto file = write_file(folder / "file", content);
  PeerListener listener;
  Process sending(sockx({"send-file", "--rate", "2M", file, "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  const auto begin = peer.receive(1000);
  fs::resize_file(file, 2'000'000);
  CHECK(difference(begin + peer.receive_all(), content) == "");
  peer.close();
  check_end(sending, exited(0));
}

TEST_CASE("send-file waits until the peer closes, warns when that takes long, and --eof-timeout bounds it") {
  const Folder folder;
  const auto file = write_file(folder / "file", "content");
  PeerListener listener;
  Process sending(sockx({"send-file", file, "127.0.0.1", listener.port()}));
  auto peer = listener.accept();
  CHECK(peer.receive_all() == "content");
  CHECK(contains(sending.err_line("warning"), "--eof-timeout bounds the wait"));
  CHECK(sending.is_running());
  peer.close();
  check_end(sending, exited(0));

  Process impatient(sockx({"send-file", "--eof-timeout", "100ms", file, "127.0.0.1", listener.port()}));
  auto second = listener.accept();
  check_failure(impatient, 5, "has not closed in time");
}

TEST_CASE("send-file: a FIFO is waited for until somebody writes to it, and --deadline bounds that") {
  const Folder folder;
  const auto fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const PeerListener unused;
  Process late(sockx({"send-file", "--deadline", "50ms", fifo, "127.0.0.1", unused.port()}));
  check_failure(late, 5, "deadline");

  PeerListener listener;
  Process sending(sockx({"send-file", fifo, "127.0.0.1", listener.port()}));
  UniqueFd writer(open(fifo.c_str(), O_WRONLY | O_CLOEXEC));  // waits for sockx
  put(writer.get(), "late");
  auto peer = listener.accept();
  CHECK(peer.receive(4) == "late");
  writer.reset();
  CHECK(peer.receive_all().empty());
  peer.close();
  check_end(sending, exited(0));
}

TEST_CASE("send-file: a file of /sys, which claims a page, is sent as long as it is, with status 0") {
  for (const std::string file : {"/sys/class/net/lo/mtu", "/proc/version"}) {
    if (!fs::exists(file)) continue;
    PeerListener listener;
    Process sending(sockx({"send-file", file, "127.0.0.1", listener.port()}));
    auto peer = listener.accept();
    CHECK(peer.receive_all() == read_file(file));
    peer.close();
    check_end(sending, exited(0));
  }
}

TEST_CASE("send-file --deadline: a file that is not sent by then is incomplete, with 9") {
  const Folder folder;
  write_file(folder / "file", "");
  fs::resize_file(folder / "file", 200'000'000);
  PeerListener listener;
  Process sending(sockx({"send-file", "--deadline", "2s", folder / "file", "127.0.0.1", listener.port()}));
  auto peer = listener.accept();  // which does not read
  check_end(sending, exited(9));
  CHECK(contains(sending.err(), "sockx: "));
  CHECK(contains(sending.err(), "of 200000000 bytes"));
}

}  // namespace

}  // namespace test
