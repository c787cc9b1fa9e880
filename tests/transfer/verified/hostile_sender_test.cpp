// Senders that say what ours would not: each is refused with a reason, and nothing outside the folder is
// touched.
#include <sys/stat.h>
#include <unistd.h>

#include "../../support/connections.hpp"
#include "../../support/far_ends.hpp"
#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "hostile.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<Message>;

Entry folder(std::uint32_t id, std::string name) {
  return {id, EntryKind::directory, 0777, 1'000'000, 0, 0, std::move(name)};
}
std::string spoken(const Words& words) {
  std::string all;
  for (const auto& word : words) all += encode(word);
  return all;
}
/// A frame with checks that are right, whatever is in it.
std::string frame(int type, std::uint32_t length, const std::string& body) {
  auto made = encode(Finish()).substr(0, 8);
  made[2] = static_cast<char>(type);
  for (std::size_t i = 0; i < 4; ++i) made[4 + i] = static_cast<char>(length >> (24 - 8 * i));
  const auto check = xxh3_64(made);
  for (int shift = 56; shift >= 0; shift -= 8) made += static_cast<char>(check >> shift);
  made += body;
  return made + xxh3_128(made);
}

/// Receives what senders say of whom each has a connection; the end follows.
Reception receive(const std::vector<std::string>& said, VerifiedReceiveOptions options) {
  Reception reception;
  options.names = verified_flag_names;
  options.idle_timeout = 5s;
  options.tell = [&](const FileEvent& event) {
    if (event.kind == FileEvent::Kind::failed) reception.refused.push_back(event.name + ": " + event.reason);
  };
  EventLoop loop;
  std::list<FarEnd> senders;
  std::vector<std::string> answers(said.size());
  TaskGroup talkers(loop);
  const auto talk = [&](FarEnd& stream, std::size_t number) -> Task<> {
    try {
      co_await write_all(stream, said[number]);
      if (number + 1 == said.size()) shutdown(stream.fd.get(), SHUT_WR);
      co_await read_to_end(stream, answers[number]);
      shutdown(stream.fd.get(), SHUT_WR);
    } catch (const std::exception&) {  // the receiver has reset the connection
    }
  };
  std::size_t connections = 0;
  const auto accept = [&](SessionId) -> Task<Connection> {
    while (connections == said.size()) co_await loop.sleep_until(never);
    auto pair = tcp_pair();
    talkers.spawn(talk(senders.emplace_back(loop, std::move(pair.ours)), connections++));
    co_return connection(loop, std::move(pair.theirs), "the sender");
  };
  const auto run = [&]() -> Task<> {
    auto first = co_await accept({});
    auto receiving = receive_verified(std::move(first), accept, std::move(options), reception.tally);
    co_await keep_failure(std::move(receiving), reception.failure);
  };
  loop.run(run());
  reception.answer = answers.front();
  return reception;
}

/// The folder that things are received in, with something to be kept around it.
struct Ward {
  Folder outside;
  std::string inside = outside / "in";
  struct stat before {};

  Ward() {
    fs::create_directories(inside + "/sub");
    fs::create_directory(outside / "elsewhere");
    write_file(outside / "precious", "precious");
    write_file(inside + "/file", "a file");
    fs::create_symlink("../elsewhere", inside + "/link");
    fs::create_symlink(outside / "elsewhere", inside + "/absolute");
    fs::create_symlink("../precious", inside + "/to-file");
    fs::permissions(outside / "elsewhere", fs::perms(0700));
    fs::permissions(outside.path(), fs::perms(0700));
    before = state(outside.path());
  }
  VerifiedReceiveOptions options() const { return {.folder = inside}; }
  static struct stat state(const std::string& path) {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status;
  }
  void check_untouched() const {
    CHECK(outside.size() == 3);
    CHECK(read_file(outside / "precious") == "precious");
    CHECK(read_file(inside + "/file") == "a file");
    CHECK(fs::is_empty(outside / "elsewhere"));
    const auto now = state(outside.path()), elsewhere = state(outside / "elsewhere");
    CHECK((now.st_mode & 07777) == 0700);
    CHECK((elsewhere.st_mode & 07777) == 0700);
    CHECK(now.st_mtim.tv_sec == before.st_mtim.tv_sec);
    CHECK(elsewhere.st_mtim.tv_sec != 1'000'000);
    CHECK((state(inside + "/file").st_mode & 0111) == 0);
    CHECK(state(inside + "/file").st_mtim.tv_sec != 1'000'000);
    for (const auto& entry : fs::recursive_directory_iterator(inside))
      CHECK_MESSAGE(entry.path().filename().string().find(".sockx-") == std::string::npos,
                    entry.path().string());
  }
};

std::string many_parts() {
  std::string name = "d";
  for (int i = 0; i < 128; ++i) name += "/d";
  return name;
}

}  // namespace

TEST_CASE("hostile sender: one that does not greet in time is no sender") {
  const Folder there;
  const std::vector<std::string> silence(2);  // on a connection that does not end
  const auto reception = receive(silence, {.folder = there.path(), .greeting_time = 100ms});
  const auto failure = thrown_by<TimedOut>([&] { std::rethrow_exception(reception.failure); });
  REQUIRE(failure);
  CHECK(std::string(failure->what()) ==
        "the sender has sent no greeting within 0.1 s: does it send with --verified?");
}

TEST_CASE("hostile sender: a name that leads elsewhere is refused, as a file's and as a folder's") {
  const std::string names[]{"..",
                            "../escaped",
                            "sub/../../escaped",
                            "/tmp/escaped",
                            "/",
                            "sub//x",
                            "sub/",
                            "",
                            ".",
                            "./x",
                            "sub/./x",
                            "sub/..",
                            std::string("nul\0x", 5),
                            "two\nlines",
                            "\x1b[31m",
                            "del\x7f",
                            "c1\xc2\x9b",
                            std::string(256, 'n'),
                            many_parts(),
                            std::string(4096, 'n'),
                            "link/x",
                            "absolute/x",
                            "link/deeper/x",
                            "file/x",
                            "file/deeper/x",
                            "link/../x",
                            "to-file/x"};
  for (const auto& name : names) {
    CAPTURE(name);
    for (const bool is_folder : {false, true}) {
      const Ward ward;
      const auto said = is_folder ? spoken({hello(), folder(0, name), End{0, 0, 0}, Finish()})
                                  : spoken({hello(), file(0, name, 4), Finish()});
      const auto reception = receive({said}, ward.options());
      CHECK(reception.reason() == "");
      CHECK(reception.tally.files == 0);
      CHECK(reception.refused.size() == 1);
      REQUIRE(reception.tally.first_failure);
      CHECK(thrown_by<Incomplete>([&] { std::rethrow_exception(reception.tally.first_failure); }));
      ward.check_untouched();
    }
  }
}

TEST_CASE("hostile sender: a folder in the place of a link or of a file changes neither") {
  for (const auto* const name : {"link", "absolute", "file", "to-file"}) {
    CAPTURE(name);
    const Ward ward;
    const auto reception =
        receive({spoken({hello(), folder(0, name), End{0, 0, 0}, Finish()})}, ward.options());
    CHECK(reception.reason() == "");
    CHECK(reception.refused.size() == 1);
    ward.check_untouched();
  }
}

TEST_CASE(
    "hostile sender: a file in the place of a link replaces the link, if it may, and not what it leads to") {
  for (const bool replaces : {false, true}) {
    const Ward ward;
    auto options = ward.options();
    options.replaces = replaces;
    const auto begun = spoken({hello(), file(0, "to-file", 4)});
    const auto sent = chunk(0, 0, "evil") + encode(End{0, 4, 4});
    const auto said = begun + (replaces ? sent : "") + encode(Finish());
    CHECK(receive({said}, options).refused.size() == (replaces ? 0 : 1));
    CHECK(fs::is_symlink(ward.inside + "/to-file") == !replaces);
    ward.check_untouched();
  }
}

TEST_CASE("hostile sender: what no sender says ends the transfer with a reason") {
  struct Attack {
    std::string name, said, reason;
  };
  const auto greeted = encode(hello());
  const auto begun = greeted + encode(file(0, "victim", 100));
  const auto stream = greeted + encode(file(0, "victim", unknown));
  auto wrong_version = hello();
  wrong_version.version = 9;
  auto second_connection = hello();
  second_connection.streams = 4;
  second_connection.stream = 1;
  auto many_connections = hello();
  many_connections.streams = 65535;
  std::string open_entries = greeted;
  for (std::uint32_t id = 0; id < 300; ++id)
    open_entries += encode(file(id, "victim" + std::to_string(id), 1));
  const Attack attacks[]{
      {"a chunk beyond the end", begun + chunk(0, 90, "12345678901"), "victim has no 11 bytes at 90"},
      {"a chunk far beyond", begun + chunk(0, 1ULL << 62, "x"),
       "victim has no 1 bytes at 4611686018427387904"},
      {"the same chunk again", begun + chunk(0, 0, "abc") + chunk(0, 0, "abc"), "came before"},
      {"overlapping chunks", begun + chunk(0, 0, "abc") + chunk(0, 2, "cde"), "the 3 bytes at 2 came before"},
      {"a size of more than any file", greeted + encode(file(0, "victim", unknown - 1)),
       "more than any file"},
      {"an end with another size", begun + encode(End{0, 99, 0}), "100 bytes were announced, and 99 sent"},
      {"more data than bytes",
       begun + frame(7, 20, std::string(4, '\0') + std::string(7, '\0') + "\1" + std::string(7, '\0') + "\2"),
       "cannot have 2 of data"},
      {"less data than came", begun + chunk(0, 0, "abc") + encode(End{0, 100, 2}), "3 of 2 bytes have come"},
      {"more data than came", begun + chunk(0, 0, "abc") + encode(End{0, 100, 4}), "3 of 4 bytes have come"},
      {"data behind the end", stream + chunk(0, 10, "abc") + encode(End{0, 5, 3}), "have come"},
      {"a chunk of what has not begun", greeted + chunk(0, 0, "abc"), "a file that has not begun"},
      {"a chunk of another", begun + chunk(1, 0, "abc"), "a file that has not begun"},
      {"a chunk of a folder", greeted + encode(folder(0, "d")) + chunk(0, 0, "abc"), "d has no 3 bytes at 0"},
      {"an end of another", begun + encode(End{7, 0, 0}), "a file that has not begun"},
      {"an end twice", greeted + encode(file(0, "victim", 0)) + encode(Cancel{0, "x"}) + encode(End{0, 0, 0}),
       "a file that has not begun"},
      {"a cancel of another", begun + encode(Cancel{7, "x"}), "a file that has not begun"},
      {"a restart of another", begun + encode(Restart{7}), "a file that has not begun"},
      {"numbers that begin at 1", greeted + encode(file(1, "victim", 1)), "reports a wrong number of files"},
      {"a number twice", begun + encode(file(0, "other", 1)), "reports a wrong number of files"},
      {"a finish in the middle", begun + encode(Finish()), "has finished in the middle of victim"},
      {"too many at once", open_entries, "has 256 files begun at once"},
      {"a second greeting", greeted + greeted, "has sent a message that no sender sends"},
      {"no greeting", encode(file(0, "victim", 1)), "does not greet"},
      {"a receiver's welcome", encode(Welcome()), "does not greet"},
      {"a receiver's offer", begun + encode(Offer{0}), "has sent a message that no sender sends"},
      {"a receiver's done", begun + encode(Done{0}), "has sent a message that no sender sends"},
      {"a second connection first", encode(second_connection), "begins with its connection 1"},
      {"too many connections", encode(many_connections), "65535 connections are more than 64"},
      {"another version", encode(wrong_version), "speaks version 9"},
      {"a body of 4 GiB", greeted + frame(10, 0xffffffff, ""), "no message has type 10 and 4294967295 bytes"},
      {"a body of 64 KiB and one", greeted + frame(10, 65537, ""), "no message has type 10 and 65537 bytes"},
      {"type 0", greeted + frame(0, 0, ""), "no message has type 0"},
      {"type 99", greeted + frame(99, 0, ""), "no message has type 99"},
      {"a body too long", greeted + frame(10, 3, "abc"), "a message is 3 bytes too long"},
      {"a body too short", greeted + frame(7, 3, "abc"), "shorter than what it has to say"},
      {"a chunk of 0 bytes", begun + encode(Chunk{0, Encoding::plain, {0, 0}, 0}), "a chunk of 0 bytes"},
      {"a chunk of 5 MiB", begun + encode(Chunk{0, Encoding::plain, {0, 5 << 20}, 5 << 20}),
       "a chunk of 5242880"},
      {"a compression that we have not",
       begun + frame(6, 25, std::string(4, '\0') + "\2" + std::string(20, '\1')), "has 2 where"},
      {"what is not compressed",
       begun + encode(Chunk{0, Encoding::zstd, {0, 100}, 4}) + "zstd" + xxh3_128("zstd"),
       "what came does not decompress"},
      {"noise", noise(100'000), "no frame of a verified transfer"},
      {"noise after the greeting", greeted + noise(100'000), "no frame of a verified transfer"},
      {"a raw file", std::string(100'000, 'x'), "no frame of a verified transfer"},
      {"an end in the middle", begun + chunk(0, 0, "abc"), "has ended before the transfer was complete"},
      {"nothing at all", "", "has ended before the transfer was complete"},
      {"an abort", begun + encode(Abort{Status::other_failure, "tired"}), "has given up: tired"},
  };
  for (const auto& [name, said, reason] : attacks) {
    CAPTURE(name);
    const Ward ward;
    const auto reception = receive({said}, ward.options());
    CHECK_MESSAGE(reception.reason().find(reason) != std::string::npos, reception.reason());
    REQUIRE(reception.failure);
    try {
      std::rethrow_exception(reception.failure);
    } catch (const Corrupt&) {
    } catch (const Incomplete&) {
    } catch (...) {
      FAIL_CHECK("neither Corrupt nor Incomplete");
    }
    CHECK(reception.tally.files == 0);
    CHECK_FALSE(fs::exists(ward.inside + "/victim"));
    ward.check_untouched();
  }
}

TEST_CASE("hostile sender: a stranger on the second connection ends the transfer") {
  auto first = hello();
  first.streams = 3;
  auto stranger = first;
  stranger.stream = 1;
  stranger.session[0] = std::byte{1};
  auto twice = first;  // of the same session, and connection 0 again
  auto second = first;
  second.stream = 1;
  for (const auto& said : {encode(stranger), encode(twice), encode(second) + encode(file(0, "victim", 1)),
                           noise(100), encode(Finish())}) {
    const Ward ward;
    const auto reception = receive({encode(first) + encode(file(0, "victim", 100)), said}, ward.options());
    CHECK_MESSAGE(thrown_by<Corrupt>([&] { std::rethrow_exception(reception.failure); }), reception.reason());
    ward.check_untouched();
  }
}

TEST_CASE("hostile sender: no more entries than are allowed, and no longer files") {
  {
    const Ward ward;
    std::string said = encode(hello());
    for (std::uint32_t id = 0; id < 20; ++id) said += spoken({folder(id, "sub"), End{id, 0, 0}});
    auto options = ward.options();
    options.most_files = 10;
    const auto reception = receive({said + encode(Finish())}, options);
    CHECK(thrown_by<Incomplete>([&] { std::rethrow_exception(reception.failure); }));
    CHECK(reception.reason().find("more than 10 files; --max-files allows more") != std::string::npos);
  }
  const auto greeted = encode(hello());
  for (const auto& said : {
           greeted + encode(file(0, "victim", 101)),
           greeted + encode(file(0, "victim", unknown)) + chunk(0, 0, std::string(101, 'x')) +
               encode(End{0, 101, 101}),
           greeted + encode(file(0, "victim", unknown)) + chunk(0, 100, "x") + encode(End{0, 101, 1}),
           greeted + encode(file(0, "victim", unknown)) + encode(End{0, 1ULL << 40, 0}),
       }) {
    const Ward ward;
    auto options = ward.options();
    options.most = 100;
    const auto reception = receive({said + encode(Finish())}, options);
    CHECK(reception.reason() == "");
    REQUIRE(reception.refused.size() == 1);
    CHECK(reception.refused.front().find("--max-size allows") != std::string::npos);
    CHECK_FALSE(fs::exists(ward.inside + "/victim"));
    ward.check_untouched();
  }
}

TEST_CASE("hostile sender: where it says that a hole is there are zeros, whatever it has sent there") {
  const std::string bytes(300'000, 'x');
  const auto broken_off =
      encode(Chunk{0, Encoding::plain, {10, 300'000}, 300'000}) + bytes + std::string(16, '\0');
  for (const std::uint64_t size : {400'000U, 4'000'000U}) {
    CAPTURE(size);
    const Folder there;
    const auto said = encode(hello()) + encode(file(0, "victim", size)) + broken_off +
                      chunk(0, 0, "0123456789") + encode(End{0, size, 10}) + encode(Finish());
    const auto reception = receive({said}, {.folder = there.path()});
    CHECK(reception.reason() == "");
    CHECK(reception.tally.files == 1);
    CHECK(read_file(there / "victim") == "0123456789" + std::string(size - 10, '\0'));
  }
}

namespace {

Entry link_entry(std::uint32_t id, std::string name, std::string target) {
  return {id, EntryKind::link, 0777, 1'000'000, 0, 0, std::move(name), std::move(target)};
}
std::string hello_with_links() {
  auto said = hello();
  said.version = version_with_links;
  return encode(said);
}

}  // namespace

TEST_CASE("hostile sender: a link that leads elsewhere is refused") {
  const std::pair<const char*, const char*> links[]{
      {"bad", "/etc/passwd"}, {"bad", ".."},      {"bad", "../precious"},   {"sub/bad", "../../precious"},
      {"bad", "sub/../../x"}, {"bad", ""},        {"bad", "./../precious"}, {"bad", "sub/.."},
      {"bad", "two\nlines"},  {"../bad", "file"}, {"link/bad", "file"},     {"to-file/bad", "x"},
      {"file", "sub"},        {"sub", "file"}};
  for (const auto& [name, target] : links) {
    CAPTURE(name);
    CAPTURE(target);
    for (const bool replaces : {false, true}) {
      if (replaces && std::string_view(name) == "file") continue;  // that may be replaced
      const Ward ward;
      auto options = ward.options();
      options.replaces = replaces;
      const auto said = hello_with_links() + encode(link_entry(0, name, target)) + encode(Finish());
      const auto reception = receive({said}, options);
      CHECK(reception.reason() == "");
      CHECK(reception.refused.size() == 1);
      CHECK_FALSE(fs::is_symlink(ward.inside + "/bad"));
      CHECK_FALSE(fs::is_symlink(ward.inside + "/sub/bad"));
      CHECK(fs::is_directory(fs::symlink_status(ward.inside + "/sub")));
      ward.check_untouched();
    }
  }
}

TEST_CASE("hostile sender: nothing is written through a link that was received") {
  for (const bool replaces : {false, true}) {
    const Ward ward;
    auto options = ward.options();
    options.replaces = replaces;
    const auto said = hello_with_links() + encode(link_entry(0, "new", "sub")) +
                      encode(link_entry(1, "leaf", "file")) + encode(file(2, "new/x", 4)) +
                      encode(folder(3, "new/y")) + encode(End{3, 0, 0}) +
                      encode(link_entry(4, "new/z", "x")) + encode(folder(5, "new")) + encode(End{5, 0, 0}) +
                      encode(file(6, "leaf", 4)) +
                      (replaces ? chunk(6, 0, "evil") + encode(End{6, 4, 4}) : "") + encode(Finish());
    const auto reception = receive({said}, options);
    CHECK(reception.reason() == "");
    CHECK(reception.refused.size() == (replaces ? 4 : 5));
    CHECK(fs::is_empty(ward.inside + "/sub"));
    CHECK(fs::read_symlink(ward.inside + "/new") == "sub");
    CHECK(fs::is_symlink(ward.inside + "/leaf") == !replaces);
    ward.check_untouched();
  }
}

TEST_CASE("hostile sender: a link in a session of the version that has none ends the transfer") {
  const Ward ward;
  const auto said = encode(hello()) + encode(link_entry(0, "new", "sub")) + encode(Finish());
  CHECK(receive({said}, ward.options()).reason().find("this version of the protocol has not") !=
        std::string::npos);
  ward.check_untouched();
}

TEST_CASE("hostile sender: a restart that nobody asked for counts nothing twice") {
  const Ward ward;
  const auto said = spoken({hello(), file(0, "sub/new", 6), Restart{0}, Restart{0}}) + chunk(0, 0, "uvw") +
                    chunk(0, 3, "xyz") + spoken({End{0, 6, 6}, Finish()});
  const auto reception = receive({said}, ward.options());
  CHECK(reception.reason() == "");
  CHECK(reception.tally.resumed == 0);
  CHECK(read_file(ward.inside + "/sub/new") == "uvwxyz");
  ward.check_untouched();
}

TEST_CASE("hostile sender: what has been verified is not forgotten, and not written again") {
  const auto begun = encode(hello()) + encode(file(0, "victim", 100));
  for (const auto& said : {begun + chunk(0, 0, "abc") + encode(Restart{0}),
                           begun + encode(Chunk{0, Encoding::plain, {0, 3}, 3}) + "abc" +
                               std::string(16, '\0') + encode(Restart{0})}) {
    const Ward ward;
    const auto reception = receive({said}, ward.options());
    CHECK_MESSAGE(reception.reason().find("restarted after its first chunk") != std::string::npos,
                  reception.reason());
    ward.check_untouched();
  }
}
