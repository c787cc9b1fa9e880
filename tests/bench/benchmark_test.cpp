// scripts/benchmark at a tiny size: what it writes, what it refuses, and that it believes no tool.
#include <nlohmann/json.hpp>

#include <csignal>
#include <set>

#include "../support/sockx.hpp"

namespace test {

namespace {

using Json = nlohmann::json;

const std::string script = test::source_folder() + "/scripts/benchmark";

std::vector<std::string> benchmark(const std::vector<std::string>& words) {
  return std::vector<std::string>{"python3", script} + words;
}

/// The words for one short round of the binary under test, with its results in `folder`.
std::vector<std::string> short_benchmark(const Folder& folder, const std::vector<std::string>& words) {
  return benchmark({"--build", tested_build(), "--output", folder.path(), "--size", "1", "--rounds", "1"}) +
         words;
}

Json results_in(const Folder& folder) { return Json::parse(read_file(folder / "benchmark.json")); }

const Json& entry_of(const Json& table, const std::string& name) {
  for (const auto& entry : table["entries"])
    if (entry["name"] == name) return entry;
  throw std::runtime_error("no entry " + name);
}

/// A folder for PATH with a tool that sends what `filter` makes of its input. It answers to the words that
/// the benchmark gives to ncat.
void make_false_ncat(const std::string& folder, const std::string& filter) {
  const auto path = write_file(folder + "/ncat", "#!/bin/sh\ncase $2 in\n-l) exec " + sockx_binary() +
                                                     " listen \"$4\" \"$5\" ;;\n*) " + filter + " | " +
                                                     sockx_binary() + " connect \"$3\" \"$4\" ;;\nesac\n");
  fs::permissions(path, fs::perms::owner_all);
}

bool is_transfer(const Json& table) {
  return table["unit"] == "GB/s" && table["case"] != "servers-forward" && table["case"] != "tunnel";
}

/// Every tool has one run, or 30 starts, with what the unit of the table is computed from. The limit that a
/// tool names is another entry.
void check_table(const Json& table) {
  const std::string name = table["case"];
  for (const auto& entry : table["entries"]) {
    INFO(std::string(table["title"]), ": ", entry["name"], ": ", entry["failure"]);
    CHECK(entry["failure"].is_null());
    CHECK(entry["runs"].size() == (name == "start-up" ? 30 : 1));
    if (entry["limit"] != "") CHECK(entry_of(table, entry["limit"])["kind"] == "reference");
    for (const auto& one : entry["runs"]) {
      CHECK(one["seconds"] > 0.0);
      if (table["unit"] == "k/s" || table["unit"] == "µs" || table["unit"] == "KiB") CHECK(one["count"] > 0);
      if (table["unit"] == "KiB") CHECK(one.contains("kib"));
      if (name == "servers-forward" || name == "tunnel") CHECK(one["forwarder"]["peak_kib"] > 0);
      if (name.starts_with("datagrams-")) CHECK(one["sent"] >= one["count"]);
      for (const auto* end : {"sender", "receiver"})
        if (is_transfer(table)) CHECK(one[end]["peak_kib"] > 0);
    }
  }
}

/// The names of the cases that were measured, each with a heading in what was written.
std::set<std::string> check_tables(const Json& results, const std::string& out) {
  std::set<std::string> names;
  for (const auto& table : results["tables"]) {
    const std::string title = table["title"];
    CHECK(contains(out, "## " + title));
    names.insert(table["case"]);
    check_table(table);
  }
  return names;
}

/// A whole benchmark ends in seconds, but on a machine whose cores are all busy it takes minutes: only one
/// that hangs is to fail. tests/CMakeLists.txt has the limit of the test case.
constexpr auto long_patience = std::chrono::minutes(9);

}  // namespace

TEST_CASE("benchmark: every transfer gives one run of each tool, in JSON and in Markdown" *
          doctest::skip(is_sanitized())) {
  if (is_missing("python3")) return;
  const Folder folder;
  Process benchmark(
      short_benchmark(folder, {"--tools", "sockx,bare,nc.openbsd,socat", "--disk", folder.path(), "--cases",
                               "discard,veth,file,disk,pipe,unix,verified"}));
  REQUIRE(benchmark.wait(long_patience) == exited(0));
  const auto out = benchmark.out();
  const auto results = results_in(folder);
  CHECK(contains(results["facts"]["versions"]["sockx"], "."));
  CHECK(results["options"]["size"] == 1);
  auto names = check_tables(results, out);
  const bool has_disk =
      !contains(benchmark.err(), "skipped the case 'disk'");  // where the folder is in memory
  CHECK(names.contains("disk") == has_disk);
  names.erase("disk");
  if (!contains(benchmark.err(), "skipped file"))  // for lack of permission
    CHECK(names == std::set<std::string>{"discard", "veth", "file", "pipe", "unix", "verified"});
  CHECK(contains(out, read_file(folder / "benchmark.md").substr(0, 100)));
}

// Thousands of clients take too long under a sanitizer, and the script is the same.
TEST_CASE("benchmark: start-up, servers and datagrams give one run of each tool" *
          doctest::skip(is_sanitized())) {
  if (is_missing("python3")) return;
  const Folder folder;
  Process benchmark(short_benchmark(
      folder, {"--tools", "sockx,bare,nc.openbsd,socat", "--cases", "start-up,servers,datagrams"}));
  REQUIRE(benchmark.wait(long_patience) == exited(0));
  const auto names = check_tables(results_in(folder), benchmark.out());
  for (const auto* name :
       {"start-up", "servers-connect", "servers-workers", "servers-round-trip", "servers-forward",
        "servers-chat", "servers-memory", "datagrams-64", "datagrams-1400"})
    CHECK_MESSAGE(names.contains(name), name);
  if (is_installed("gnuplot")) CHECK(read_file(folder / "start-up.svg").starts_with("<?xml"));
}

TEST_CASE("benchmark: a tunnel gives one run of each proxy" * doctest::skip(is_sanitized())) {
  if (is_missing("python3") || is_missing("ncat") || is_missing("microsocks")) return;
  const Folder folder;
  Process benchmark(short_benchmark(folder, {"--tools", "sockx,bare,ncat,microsocks", "--cases", "tunnel"}));
  REQUIRE(benchmark.wait(long_patience) == exited(0));
  const auto results = results_in(folder);
  CHECK(check_tables(results, benchmark.out()) == std::set<std::string>{"tunnel"});
  CHECK(results["tables"].at(0)["entries"].size() == 5);
}

TEST_CASE("benchmark: TLS gives one run of each tool" * doctest::skip(is_sanitized())) {
  if (is_missing("python3") || is_missing("openssl")) return;
  const Folder folder;
  Process benchmark(short_benchmark(folder, {"--tools", "sockx,bare,ncat,socat", "--cases", "tls"}));
  REQUIRE(benchmark.wait(long_patience) == exited(0));
  const auto results = results_in(folder);
  CHECK(check_tables(results, benchmark.out()) ==
        std::set<std::string>{"tls", "tls-connect", "tls-round-trip", "tls-memory"});
  CHECK(contains(entry_of(results["tables"].at(0), "sockx connect --tls")["sender"], "--tls-pin {pin}"));
}

TEST_CASE("benchmark: a disk that is memory is no disk" * doctest::skip(is_sanitized())) {
  if (is_missing("python3")) return;
  const Folder folder;
  Process benchmark(short_benchmark(folder, {"--tools", "sockx", "--cases", "disk", "--disk", "/dev/shm"}));
  check_end(benchmark, exited(0));
  CHECK(contains(benchmark.err(), "skipped the case 'disk': /dev/shm is in memory"));
  CHECK(results_in(folder)["tables"].empty());
}

TEST_CASE("benchmark: a tool that loses bytes is incomplete, and has no number") {
  if (is_missing("python3")) return;
  const Folder folder, tools;
  make_false_ncat(tools.path(), "head -c 1000");
  const std::string path = std::getenv("PATH");
  const auto out = run(
      short_benchmark(folder, {"--cases", "file,pipe", "--tools", "sockx,ncat", "--congestion", "system"}),
      {.environment = {"PATH=" + tools.path() + ":" + path}});
  const auto results = results_in(folder);
  REQUIRE(results["tables"].size() == 2);
  for (const auto& table : results["tables"]) {
    CHECK(entry_of(table, "ncat")["failure"] == "incomplete: 1000 of 1048576 bytes");
    CHECK(entry_of(table, "ncat")["runs"].empty());
    CHECK(entry_of(table, "sockx connect")["runs"].size() == 1);
  }
  CHECK(contains(out, "| ncat | incomplete: 1000 of 1048576 bytes |"));
}

TEST_CASE("benchmark: a tool that changes bytes is incomplete") {
  if (is_missing("python3")) return;
  const Folder folder, tools;
  make_false_ncat(tools.path(), "tr A B");
  const std::string path = std::getenv("PATH");
  run(short_benchmark(folder, {"--cases", "file,pipe", "--tools", "ncat", "--congestion", "system"}),
      {.environment = {"PATH=" + tools.path() + ":" + path}});
  const auto results = results_in(folder);
  REQUIRE(results["tables"].size() == 2);
  for (const auto& table : results["tables"])
    CHECK(entry_of(table, "ncat")["failure"] == "incomplete: other bytes than were sent");
}

TEST_CASE(
    "benchmark: a tool that fails is named with its last words, one that is not there with where to get it") {
  if (is_missing("python3")) return;
  const Folder folder, tools;
  const auto python = run({"python3", "-c", "import sys; print(sys.executable)"});
  const auto path = write_file(tools / "socat", "#!/bin/sh\necho 'no such option' >&2\nexit 3\n");
  fs::permissions(path, fs::perms::owner_all);
  auto words = short_benchmark(folder, {"--cases", "unix", "--tools", "sockx,socat,ncat"});
  words[0] = python.substr(0, python.find('\n'));
  Process process(words, {.environment = {"PATH=" + tools.path()}});
  check_end(process, exited(0));
  const auto results = results_in(folder);
  const auto& table = results["tables"].at(0);
  CHECK(entry_of(table, "socat")["failure"] == "socat ended with status 3: no such option");
  CHECK(entry_of(table, "sockx connect")["failure"].is_null());
  CHECK(contains(process.err(), "benchmark: no ncat: scripts/install-deps --benchmark installs it\n"));
}

TEST_CASE("benchmark: what it cannot use is refused in one line") {
  if (is_missing("python3")) return;
  const std::vector<std::vector<std::string>> refused{
      {"--rounds", "0"}, {"--rounds", "two"},      {"--size", "-1"}, {"--cases", "discard,nothing"},
      {"--tools", "nc"}, {"--congestion", "none"}, {"--fast"},       {"more"},
      {"--size"}};
  for (const auto& words : refused) {
    Process process(benchmark(words));
    check_end(process, exited(2));
    REQUIRE(lines_of(process.err()).size() == 1);
    CHECK(process.err().starts_with("benchmark: "));
  }
}

TEST_CASE("benchmark: interrupted, it leaves neither its files nor its programs") {
  if (is_missing("python3")) return;
  const Folder folder;
  Process process(short_benchmark(folder, {"--cases", "discard", "--tools", "sockx", "--rounds", "100000"}));
  process.out_line("# Benchmark");
  const auto name = "sockx-benchmark-" + std::to_string(process.pid()) + "-";
  const auto files = [&] {
    return std::count_if(fs::directory_iterator("/dev/shm"), fs::directory_iterator(),
                         [&](const auto& entry) { return contains(entry.path().string(), name); });
  };
  CHECK(files() == 1);
  process.signal(SIGINT);
  check_end(process, killed_by(SIGINT));
  CHECK(files() == 0);
  Process left({"pgrep", "-f", "/dev/shm/" + name});
  check_end(left, exited(1));
}

TEST_CASE("benchmark: --readme puts the last results between their two marks") {
  if (is_missing("python3")) return;
  const Folder folder;
  fs::create_directories(folder / "tests/bench");
  Process benchmark(short_benchmark(folder, {"--cases", "discard,start-up,datagrams", "--tools",
                                             "sockx,bare,socat", "--congestion", "system"}));
  REQUIRE(benchmark.wait(long_patience) == exited(0));
  const auto readme = write_file(folder / "README.md",
                                 "before\n<!-- benchmark: begin -->\nold\n<!-- benchmark: end -->\nafter\n");
  run(short_benchmark(folder, {"--readme", readme}));
  const auto text = read_file(readme);
  CHECK(text.starts_with("before\n<!-- benchmark: begin -->\nMeasured on "));
  CHECK(text.ends_with("<!-- benchmark: end -->\nafter\n"));
  CHECK(contains(text, "|  | sockx | best peer | limit | sockx to peer | to limit |"));
  CHECK(contains(text, "| file → TCP → discard, `send-file`, GB/s | **"));
  CHECK(contains(text, "| file → TCP → discard, `connect`, GB/s | **"));
  CHECK(contains(text, "| start-up, ms | **"));
  CHECK(contains(text, "| datagrams of 64 bytes, k/s | **"));
  CHECK(!contains(text, "old"));
  if (is_installed("gnuplot"))
    CHECK(contains(read_file(folder / "tests/bench/throughput.svg"), "sockx send-file"));
}

}  // namespace test
