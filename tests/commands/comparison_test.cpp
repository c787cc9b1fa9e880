// send-file --compare: what it runs, against whom, and what it tells of it.
#include <algorithm>
#include <string>

#include "../support/events.hpp"
#include "../support/sockx.hpp"
#include "flow/pump.hpp"

namespace test {

namespace {

const std::vector<std::string> quickly{"--compare", "--runs", "2", "--warmup", "0"};

std::vector<std::string> compare(const std::vector<std::string>& words) {
  return sockx({"send-file"}) + quickly + words;
}

std::vector<json> events_of(const std::vector<std::string>& words, const Process::Options& options = {}) {
  return events_in(run(sockx({"--json", "send-file"}) + quickly + words, options));
}

std::vector<json> named(const std::vector<json>& events, const std::string& name) {
  std::vector<json> found;
  for (const auto& event : events)
    if (event.at("event") == name) found.push_back(event);
  return found;
}

TEST_CASE("--compare: the table has every method, and the verdict is that of --json") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(3'000'000));
  const auto shown = run(compare({file}));
  for (const auto method : sockx::file_methods())
    CHECK(contains(shown, "\n" + std::string(sockx::name_of(method)) + " "));
  CHECK(contains(shown, "2.86 MiB, to 127.0.0.1:"));
  CHECK(contains(shown, "2 interleaved runs each"));

  const auto events = events_of({file});
  const auto told = event_of(events, "comparison");
  CHECK(told.at("bytes") == 3'000'000);
  CHECK(told.at("file") == file);
  const auto verdict = told.at("verdict").get<std::string>();
  if (told.at("winner").is_string()) CHECK(contains(verdict, told.at("winner").get<std::string>()));
  for (const auto& leader : told.at("leaders")) CHECK(contains(verdict, leader.get<std::string>()));
}

TEST_CASE("--compare: every run tells what it cost both ends") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(3'000'000));
  for (const auto& run :
       named(events_of({file, "--methods", "sendfile,zerocopy", "--congestion", "reno"}), "run")) {
    INFO(run.dump());
    CHECK(run.at("bytes") == 3'000'000);
    CHECK(run.at("system_calls") > 0);
    CHECK(run.at("receiver_system_calls") > 0);
    CHECK(run.at("receiver_system_seconds").is_number());
    CHECK(run.at("receiver_voluntary_switches").is_number());
    CHECK(run.at("congestion") == "reno");
    if (run.at("method") == "zerocopy")
      CHECK(run.at("copied_bytes") == 3'000'000);  // as always on loopback
    else
      CHECK(run.at("copied_bytes").is_null());
  }
}

TEST_CASE(
    "--compare: of a receiver elsewhere nothing is known, and a refused method is told with its reason") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(100'000));
  const auto endpoint = "unix:" + (folder / "socket");
  Process receiving(sockx({"--log-level", "info", "recv-file", "--discard", "--keep-open", endpoint}));
  receiving.err_line("listening");
  const auto events = events_of({file, endpoint, "--methods", "sendfile,zerocopy"});
  CHECK(named(events, "run").size() == 2);
  CHECK(named(events, "run").front().at("receiver_system_calls").is_null());
  const auto refused = event_of(events, "refused");
  CHECK(refused.at("method") == "zerocopy");
  CHECK_FALSE(refused.at("reason").get<std::string>().empty());
  const auto shown = run(compare({file, endpoint, "--methods", "sendfile,zerocopy"}));
  CHECK(contains(shown, refused.at("reason").get<std::string>()));
  CHECK(contains(shown, "sendfile was fastest."));

  Process nothing(compare({file, endpoint, "--methods", "zerocopy"}));
  check_end(nothing, exited(1));
  CHECK(contains(nothing.out(), "No method could run."));
}

TEST_CASE("--compare --sizes, --chunks: a contest for each size, a contender for each chunk") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(3'000'000));
  const auto events = events_of(
      {file, "--methods", "read-write,mmap", "--sizes", "4Ki,1M", "--chunks", "1Ki,8Ki", "--offset", "7"});
  std::vector<std::string> who;
  for (const auto& run : named(events, "run"))
    if (run.at("run") == 1 && run.at("congestion") == "reno")
      who.push_back(run.at("bytes").dump() + ' ' + run.at("method").get<std::string>() + ' ' +
                    run.at("chunk").dump());
  const std::vector<std::string> expected{"4096 read-write 65536",   "4096 read-write 1024",
                                          "4096 read-write 8192",    "4096 mmap 1024",
                                          "4096 mmap 8192",          "1000000 read-write 65536",
                                          "1000000 read-write 1024", "1000000 read-write 8192",
                                          "1000000 mmap 1024",       "1000000 mmap 8192"};
  CHECK(who == expected);
  const auto verdicts = named(events, "comparison");
  REQUIRE(verdicts.size() == 2);
  CHECK(verdicts[0].at("bytes") == 4096);
  CHECK(verdicts[1].at("bytes") == 1'000'000);

  const auto shown = run(compare({file, "--methods", "sendfile", "--sizes", "4Ki,1M"}));
  CHECK(contains(shown, "4.00 KiB, to "));
  CHECK(contains(shown, "976.56 KiB, to "));
}

TEST_CASE("--compare --csv: the values of each run under their names") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(100'000));
  const auto lines = lines_of(run(compare({file, "--csv", "--methods", "sendfile", "--sizes", "1000,2000"})));
  REQUIRE(lines.size() >= 5);  // more where the system has a congestion control of its own
  CHECK(lines[0].starts_with("method,chunk,run,congestion,bytes,seconds,bytes_per_second,copied_bytes,"));
  CHECK(lines[0].ends_with(",receiver_voluntary_switches,receiver_involuntary_switches"));
  CHECK(lines[1].starts_with("sendfile,0,1,reno,1000,"));
  CHECK(lines[2].starts_with("sendfile,0,2,reno,1000,"));
  CHECK(lines.back().starts_with("sendfile,0,2,"));
  CHECK(contains(lines.back(), ",2000,"));
  for (const auto& line : lines)
    CHECK(std::count(line.begin(), line.end(), ',') == std::count(lines[0].begin(), lines[0].end(), ','));
}

TEST_CASE("--compare: what cannot be is a usage error that quotes it") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(5000));
  const struct {
    std::vector<std::string> words;
    std::string message;
  } rows[]{
      {{"--sizes", "4Ki,1Mi"}, "--sizes: '1048576': " + file + " has only 5000 bytes"},
      {{"--sizes", "4900", "--offset", "200"}, "has only 4800 bytes after the offset"},
      {{"--sizes", "0"}, "--sizes: '0': say at least 1 byte"},
      {{"--sizes", "4Ki,many"}, "--sizes: 'many': a size is"},
      {{"--chunks", "0"}, "--chunks: '0': say 1 byte to 1Gi"},
      {{"--chunks", "2Gi"}, "--chunks: '2Gi': say 1 byte to 1Gi"},
      {{"--chunks", "1Ki", "--chunk", "1Ki"}, "--chunk"},
      {{"--sizes", "1Ki", "--count", "1Ki"}, "--count"},
      {{"--methods", "sendfile,magic"},
       "--methods: 'magic': say read-write, sendfile, splice, mmap, zerocopy"},
      {{"--plot", ""}, "--plot"},
  };
  for (const auto& [words, message] : rows) {
    Process failing(compare(std::vector<std::string>{file} + words));
    check_failure(failing, 2, message);
  }
  Process both(compare({file, "--csv", "--json"}));
  CHECK(both.wait() == exited(2));
  CHECK(contains(both.err(), "\"message\":\"--csv: it cannot be combined with --json"));
  Process alone(sockx({"send-file", "--sizes", "1Ki", file, "127.0.0.1:1"}));
  check_failure(alone, 2, "--compare");
}

TEST_CASE("--compare --plot: a picture with a bar for each, or with lines over the sizes or chunks") {
  if (is_missing("gnuplot")) return;
  const Folder folder;
  const auto file = write_file(folder / "file", noise(100'000));
  const auto picture = folder / "picture.svg";
  for (const auto& more :
       std::vector<std::vector<std::string>>{{},
                                             {"--sizes", "4Ki,64Ki"},
                                             {"--chunks", "4Ki,64Ki"},
                                             {"--sizes", "4Ki,64Ki", "--chunks", "4Ki,8Ki"}}) {
    run(compare({file, "--methods", "sendfile,splice", "--plot", picture}) + more);
    const auto drawn = read_file(picture);
    CHECK(drawn.starts_with("<?xml"));
    CHECK(drawn.ends_with("</svg>\n\n"));
    for (const std::string words : {"sendfile", "splice", "throughput, GB/s", "CPU time of the sender"})
      CHECK(contains(drawn, words));
    fs::remove(picture);
  }
}

TEST_CASE("--compare --plot: without gnuplot, or a place for the picture, it says so before it measures") {
  const Folder folder;
  const auto file = write_file(folder / "file", noise(100'000));
  Process::Options no_programs;
  no_programs.environment = {"PATH=" + folder.path()};
  Process missing(compare({file, "--plot", folder / "picture.svg"}), no_programs);
  check_failure(missing, 1, "--plot: gnuplot is missing; on Debian, `apt install gnuplot-nox` brings it");
  CHECK(missing.out().empty());
  if (is_missing("gnuplot")) return;
  Process nowhere(compare({file, "--plot", folder / "none/picture.svg"}));
  check_failure(nowhere, 11, "picture.svg");
  CHECK(nowhere.out().empty());
  CHECK(folder.size() == 1);
}

}  // namespace

}  // namespace test
