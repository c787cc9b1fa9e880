#include "cli/report.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <functional>
#include <limits>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "../support/in_child.hpp"
#include "../support/thrown.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/log.hpp"

using namespace sockx;
using namespace test;
using nlohmann::json;

namespace {

struct Written {
  std::string out, err;
};

/// What `say` writes to the two standard streams, in a process of its own.
Written written_by(const std::function<void()>& say) {
  const auto out = make_pipe_ends(), err = make_pipe_ends();
  const auto end = in_child([&] {
    dup2(out.write.get(), 1);
    dup2(err.write.get(), 2);
    say();
    return 0;
  });
  CHECK(end.exited_with(0));
  return {read_available(out.read.get()), read_available(err.read.get())};
}

/// The events, but for the time that each of them has.
std::vector<json> events_in(const std::string& lines) {
  CHECK((lines.empty() || lines.back() == '\n'));
  std::istringstream stream(lines);
  std::vector<json> events;
  for (std::string line; std::getline(stream, line);) {
    CAPTURE(line);
    events.push_back(json::parse(line));
    const auto time = events.back().at("time").get<std::string>();
    CHECK(std::regex_match(time, std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")));
    events.back().erase("time");
  }
  return events;
}

/// A result, an event and a diagnostic.
void say_one_of_each(Report& report) {
  report.result("one result", "result", {{"number", 1}});
  report.event("event", {{"number", 2}});
  report.diagnostic("diagnostic", {{"number", 3}}, "one diagnostic");
}

}  // namespace

TEST_CASE("report: for people the result is on standard output and events are silent") {
  const auto [out, err] = written_by([] {
    Report report({});
    say_one_of_each(report);
  });
  CHECK(out == "one result\n");
  CHECK(err == "one diagnostic\n");
}

TEST_CASE("report: while standard output carries payload results are on standard error") {
  for (const bool is_json : {false, true}) {
    const auto [out, err] = written_by([is_json] {
      Report report({is_json, false, ""});
      report.keep_standard_output_for_payload();
      say_one_of_each(report);
    });
    CHECK(out.empty());
    if (is_json)
      CHECK(events_in(err).size() == 3);
    else
      CHECK(err == "one result\none diagnostic\n");
  }
}

TEST_CASE("report: for programs every line is an object with an event") {
  const auto [out, err] = written_by([] {
    Report report({true, false, ""});
    say_one_of_each(report);
  });
  CHECK(events_in(out) ==
        std::vector<json>{{{"event", "result"}, {"number", 1}}, {{"event", "event"}, {"number", 2}}});
  CHECK(events_in(err) == std::vector<json>{{{"event", "diagnostic"}, {"number", 3}}});
}

TEST_CASE("report: numbers are numbers and any text is one line of UTF-8") {
  const auto [out, err] = written_by([] {
    Report report({true, false, ""});
    report.event("all", {{"truth", true},
                         {"small", -1},
                         {"large", std::numeric_limits<std::uint64_t>::max()},
                         {"seconds", 0.25},
                         {"word", "it's"},
                         {"control", std::string("a\"b\\\n\0c", 7)},
                         {"not utf-8", "\xff"}});
  });
  CHECK(err.empty());
  const auto events = events_in(out);
  REQUIRE(events.size() == 1);
  const auto& event = events.front();
  CHECK(event["truth"] == true);
  CHECK(event["small"] == -1);
  CHECK(event["large"] == std::numeric_limits<std::uint64_t>::max());
  CHECK(event["seconds"] == 0.25);
  CHECK(event["word"] == "it's");
  CHECK(event["control"] == std::string("a\"b\\\n\0c", 7));
  CHECK(event["not utf-8"] == "\xef\xbf\xbd");
  CHECK(out.find("{\"event\":\"all\",\"time\":\"") == 0);
  CHECK(out.find("Z\",\"truth\":true,\"small\":-1,") != std::string::npos);  // in the order given
}

TEST_CASE("report: no line has anything that a terminal obeys, and JSON has it escaped") {
  std::string all = "a";
  for (int byte = 0; byte < 0x20; ++byte) all += static_cast<char>(byte);
  all += "\x7f\xc2\x80\xc2\x9b\xc2\x9f\xd8\x9c\xe2\x80\x8e\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9z\xc3\xa4";
  all += "\xc2\xad\xe2\x80\x8b\xef\xbb\xbf\xf3\xa0\x81\x81";  // invisible ones, and one beyond U+FFFF
  for (const bool is_json : {false, true}) {
    const auto [out, err] = written_by([&all, is_json] {
      Report report({is_json, false, ""});
      report.result(all, "event", {{"word", all}});
      report.diagnostic("event", {{"word", all}}, all + "\x9b\xff");
    });
    for (const auto& line : std::vector<std::string>{out, err}) {
      CAPTURE(line);
      for (std::string_view rest = line; !rest.empty(); rest.remove_prefix(first_character(rest).size))
        CHECK((first_character(rest).is_safe || rest.front() == '\n' || rest.front() == '\t'));
      if (is_json) CHECK(events_in(line).at(0).at("word") == all);
    }
  }
}

TEST_CASE("report: with an events file every event goes there and people read on") {
  const Folder folder;
  const auto path = folder / "events";
  const auto [out, err] = written_by([&path] {
    Report report({false, false, path});
    say_one_of_each(report);
  });
  CHECK(out == "one result\n");
  CHECK(err == "one diagnostic\n");
  CHECK(events_in(read_file(path)).size() == 3);
  const auto error = thrown_by<Error>([&] { Report({false, false, folder / "no/such/folder"}); });
  REQUIRE(error);
  CHECK(error->origin() == Origin::local_file);
}

TEST_CASE("report: an events file that takes nothing is told of once, and is no failure") {
  const auto [out, err] = written_by([] {
    Report report({false, false, "/dev/full"});
    Log log({LogLevel::warn, false, ""}, report);
    say_one_of_each(report);
    say_one_of_each(report);
    CHECK_FALSE(report.failure());
  });
  CHECK(out == "one result\none result\n");
  CHECK(err ==
        "sockx: warning: write /dev/full: No space left on device: lines are lost\none diagnostic\none "
        "diagnostic\n");
}

TEST_CASE("report: an event that standard output does not take throws nothing where it is told") {
  const auto end = in_child([] {
    signal(SIGPIPE, SIG_IGN);
    auto pipe = make_pipe_ends();
    dup2(pipe.write.get(), 1);
    pipe.read.reset();
    pipe.write.reset();
    Report report({true, false, ""});
    bool is_told = false;
    report.when_failed([&is_told] { is_told = true; });
    report.event("event", {});
    const auto error = thrown_by<Error>([&] { report.throw_failure(); });
    return is_told && error && error->number() == EPIPE && error->origin() == Origin::standard_output ? 0 : 1;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("report: quiet keeps results back and diagnostics not") {
  const auto [out, err] = written_by([] {
    Report report({false, true, ""});
    say_one_of_each(report);
  });
  CHECK(out.empty());
  CHECK(err == "one diagnostic\n");
}

TEST_CASE("report: a broken standard output is an error") {
  const auto end = in_child([] {
    signal(SIGPIPE, SIG_IGN);
    auto pipe = make_pipe_ends();
    dup2(pipe.write.get(), 1);
    pipe.read.reset();
    pipe.write.reset();
    Report report({});
    const auto error = thrown_by<Error>([&] { report.result("line", "event", {}); });
    return error && error->number() == EPIPE && error->origin() == Origin::standard_output ? 0 : 1;
  });
  CHECK(end.exited_with(0));
}

TEST_CASE("log: each level shows itself and what is more important") {
  struct Row {
    LogLevel level;
    std::string shown;
  };
  for (const auto& [level, shown] : {
           Row{LogLevel::trace, "sockx: debug: 1\nsockx: info: 2\nsockx: warning: 3\n"},
           Row{LogLevel::debug, "sockx: debug: 1\nsockx: info: 2\nsockx: warning: 3\n"},
           Row{LogLevel::info, "sockx: info: 2\nsockx: warning: 3\n"},
           Row{LogLevel::warn, "sockx: warning: 3\n"},
           Row{LogLevel::error, ""},
           Row{LogLevel::off, ""},
       }) {
    const auto [out, err] = written_by([level = level] {
      Report report({});
      Log log({level, false, ""}, report);
      log.debug("{}", 1);
      log.info("{}", 2);
      log.warn("{}", 3);
      log.failure("said by others");
    });
    CHECK(out.empty());
    CHECK(err == shown);
  }
}

TEST_CASE("log: with JSON lines are events") {
  const auto [out, err] = written_by([] {
    Report report({true, false, ""});
    Log log({LogLevel::info, false, ""}, report);
    log.debug("unseen");
    log.warn("seen");
  });
  CHECK(events_in(err) == std::vector<json>{{{"event", "log"}, {"level", "warning"}, {"message", "seen"}}});
}

TEST_CASE("log: a file has everything from info on whatever the terminal shows") {
  const Folder folder;
  const auto path = folder / "log";
  const auto [out, err] = written_by([&path] {
    Report report({});
    Log log({LogLevel::off, false, path}, report);
    log.debug("too small");
    log.info("worth it");
    log.failure("the reason");
  });
  CHECK(err.empty());
  const auto content = read_file(path);
  CHECK(content.find("too small") == std::string::npos);
  CHECK(content.find(" info worth it\n") != std::string::npos);
  CHECK(content.find(" error the reason\n") != std::string::npos);
  Report report({});
  const auto error = thrown_by<Error>([&] { Log({LogLevel::off, false, "/proc/no/such"}, report); });
  REQUIRE(error);
  CHECK(error->origin() == Origin::local_file);
}

TEST_CASE("log: the levels have the names of the command line") {
  struct Row {
    std::string word;
    LogLevel level;
  };
  for (const auto& [word, level] :
       {Row{"trace", LogLevel::trace}, Row{"debug", LogLevel::debug}, Row{"info", LogLevel::info},
        Row{"warn", LogLevel::warn}, Row{"warning", LogLevel::warn}, Row{"err", LogLevel::error},
        Row{"error", LogLevel::error}, Row{"critical", LogLevel::error}, Row{"off", LogLevel::off}}) {
    CAPTURE(word);
    CHECK(parse_log_level(word) == level);
  }
  for (const std::string word : {"", "Info", "loud", "3"}) {
    CAPTURE(word);
    CHECK_THROWS_WITH_AS(parse_log_level(word), doctest::Contains(("'" + word + "'").c_str()), BadInput);
  }
}

TEST_CASE("report: the line of a failure is one line that can be read, whatever it quotes") {
  const auto line_of = [](const std::string& message) {
    const auto written = written_by([&message] { Report({}).failure({ExitCode::usage, message}); });
    CHECK(written.out.empty());
    return written.err;
  };
  CHECK(line_of("'x': no") == "sockx: 'x': no\n");
  CHECK(line_of("'a\nb\x1b[31m\x7f': no") == "sockx: 'a?b?[31m?': no\n");
  CHECK(line_of("'\xc3\xa4': no") == "sockx: '\xc3\xa4': no\n");
  CHECK(line_of(std::string(1000, 'a')) == "sockx: " + std::string(1000, 'a') + "\n");
  CHECK(line_of(std::string(500, 'a') + std::string(501, 'b')) ==
        "sockx: " + std::string(200, 'a') + " [601 bytes left out] " + std::string(200, 'b') + "\n");
}

TEST_CASE("report: the event of a failure has its message whole, its name, and what it is about") {
  const std::string message(2000, 'a');
  const auto [out, err] = written_by([&message] {
    Report report({true, false, ""});
    report.failure({ExitCode::name_not_resolved, message, 0, "EAI_NONAME"}, {{"word", "x"}});
    report.failure({ExitCode::usage, "no"});
  });
  CHECK(out.empty());
  CHECK(events_in(err) ==
        std::vector<json>{
            {{"event", "error"}, {"status", 3}, {"message", message}, {"error", "EAI_NONAME"}, {"word", "x"}},
            {{"event", "error"}, {"status", 2}, {"message", "no"}}});
}

TEST_CASE("report: a value as text is what a person would write") {
  CHECK(plain_text(true) == "true");
  CHECK(plain_text(-12) == "-12");
  CHECK(plain_text(12U) == "12");
  CHECK(plain_text(0.5) == "0.5");
  CHECK(plain_text("a b") == "a b");
  CHECK(plain_text(std::vector<std::string>{"a", "", "b"}) == "a  b");
  CHECK(plain_text(std::vector<std::string>{}).empty());
}
