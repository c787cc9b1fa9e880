// What is sent that is no ordinary file: fifos, files that hide their size, and what has been replaced.
#include "transfer/verified/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "../../support/slow_calls.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "ends.hpp"
#include "transfer/verified/source_walk.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

std::string make_fifo(const std::string& path) {
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  return path;
}

}  // namespace

TEST_CASE("source: a symbolic link is followed where the user has named it, and else refused") {
  const Folder here;
  write_file(here / "file", "content");
  fs::create_symlink(here / "file", here / "link");
  CHECK(SourceFile(here / "link").size() == 7);
  const auto refusal = thrown_by<Error>([&] { SourceFile(here / "link", false); });
  REQUIRE(refusal);
  CHECK(refusal->number() == ELOOP);
}

TEST_CASE("source: a walk says what the user has named") {
  const Folder here;
  write_file(here / "file", "content");
  fs::create_directory(here / "tree");
  write_file(here / "tree/file", "content");
  EventLoop loop;
  Clock::time_point last_active;
  SourceWalk walk({here / "file", here / "tree"}, {}, {loop, last_active});
  CHECK(loop.run(walk.next())->is_named);
  CHECK(loop.run(walk.next())->kind == SourceStep::Kind::enter);
  CHECK_FALSE(loop.run(walk.next())->is_named);
}

TEST_CASE("source: while reads are quick the kernel may read ahead, from the first one on") {
  const Folder here;
  write_file(here / "file", std::string(100'000, 'x'));
  const auto calls = most_calls_in_a_turn({SYS_fadvise64}, [&](EventLoop& loop) -> Task<> {
    Clock::time_point last_active;
    const SourceFile source(here / "file");
    const auto another = source.again();
    Hasher hasher(DigestKind::xxh3_128);
    co_await source.digest_of({0, 1000}, hasher, {loop, last_active});
    std::vector<std::byte> bytes(1000);
    co_await another.read(0, bytes, {loop, last_active});
    co_await source.digest_of({1000, 1000}, hasher, {loop, last_active});
  });
  CHECK(calls.all == 0);
}

TEST_CASE("source: files of /proc have content and no size, empty files have a size") {
  const Folder here;
  write_file(here / "empty", "");
  CHECK(SourceFile(here / "empty").has_size());
  CHECK_FALSE(SourceFile("/proc/version").has_size());
}

TEST_CASE("verified: a file that hides its size arrives with its content") {
  const Folder there;
  REQUIRE(transfer({.paths = {"/proc/version"}}, {.folder = there.path()}).is_success());
  CHECK(read_file(there / "version") == read_file("/proc/version"));
}

TEST_CASE("verified: a fifo that nobody writes to yet keeps neither the files before it nor the connection") {
  const Folder here, there;
  for (const auto* const name : {"before", "behind"}) write_file(here / name, name);
  const auto fifo = make_fifo(here / "fifo");
  VerifiedSendOptions send{.paths = {here / "before", fifo, here / "behind"}, .idle_timeout = 5s};
  send.tell = [&](const FileEvent& event) {
    if (event.name != here / "before" || event.kind != FileEvent::Kind::whole) return;
    const UniqueFd writer(open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(writer);
    put(writer.get(), "from the fifo");
  };
  REQUIRE(transfer(send, {.folder = there.path(), .idle_timeout = 5s}).is_success());
  CHECK(read_file(there / "fifo") == "from the fifo");
  CHECK(read_file(there / "behind") == "behind");
}

TEST_CASE("verified: a stream that the receiver refuses meanwhile is not waited for, and the others arrive") {
  const Folder here, there;
  write_file(here / "behind", "behind");
  const auto fifo = make_fifo(here / "fifo");
  UniqueFd writer;
  std::thread writing([&] {  // more than a chunk, and then nothing, and no end
    writer = UniqueFd(open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
    const auto bytes = noise(1'500'000);
    for (std::size_t done = 0; done < bytes.size();) {
      const auto written = write(writer.get(), bytes.data() + done, bytes.size() - done);
      if (written < 0) break;
      done += static_cast<std::size_t>(written);
    }
  });
  const auto outcome = transfer({.paths = {fifo, here / "behind"}, .idle_timeout = 5s},
                                {.folder = there.path(), .most = 1000, .idle_timeout = 5s});
  writing.join();
  CHECK_FALSE(outcome.sender_failure);
  CHECK_FALSE(outcome.receiver_failure);
  const auto failure = thrown_by<Incomplete>([&] { std::rethrow_exception(outcome.sent.first_failure); });
  REQUIRE(failure);
  CHECK(std::string(failure->what()).find("it is longer than the 1000 bytes") != std::string::npos);
  CHECK(read_file(there / "behind") == "behind");
}
