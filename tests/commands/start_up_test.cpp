// What keeps the start short, and what that rests on.
#include <algorithm>
#include <set>

#include "../support/sockx.hpp"
#include "cli/flags.hpp"
#include "commands/commands.hpp"

using namespace sockx;
using test::run;

namespace {

// Without optimizing, fmt calls ceil() of libm.
#ifdef NDEBUG
constexpr bool is_optimized = true;
#else
constexpr bool is_optimized = false;
#endif

}  // namespace

TEST_CASE("start-up: no library is loaded but the C library" *
          doctest::skip(test::is_sanitized() || !is_optimized)) {
  const auto libraries =
      test::lines_of(run({"/usr/bin/env", "LD_TRACE_LOADED_OBJECTS=1", test::sockx_binary()}));
  CHECK(std::ranges::any_of(libraries, [](const auto& line) { return test::contains(line, "libc."); }));
  for (const auto& line : libraries)
    CHECK_MESSAGE((test::contains(line, "libc.") || test::contains(line, "linux-vdso") ||
                   test::contains(line, "ld-linux") || test::contains(line, "ld-musl")),
                  line);
}

// The parser is given only the options that were typed, and would not notice the others.
TEST_CASE("start-up: no subcommand declares an option twice, or refers to one that it does not have") {
  for (const auto& command : commands) {
    Flags flags;
    const auto keeps_targets = command.declare(flags);
    std::set<std::string> names{"-h", "--help"};
    for (const auto& row : flags.rows())
      for (const auto& name : row.names) CHECK_MESSAGE(names.insert(name).second, command.name, " ", name);
    for (const auto& row : flags.rows()) {
      for (const auto& other : row.needs) CHECK_MESSAGE(names.contains(other), row.name(), " needs ", other);
      for (const auto& other : row.excludes)
        CHECK_MESSAGE(names.contains(other), row.name(), " excludes ", other);
    }
  }
}

TEST_CASE("start-up: an option is found behind a letter, before a = and beside one that needs it") {
  const auto refused = [](std::vector<std::string> words, const std::string& why) {
    test::Process process(test::sockx(std::move(words)));
    test::check_failure(process, 2, why);
  };
  refused({"listen", "-v6n4", "127.0.0.1", "0"}, "-4 cannot be combined with -6");
  refused({"listen", "--max-conns=x", "0"}, "--max-conns: 'x'");
  refused({"listen", "--keep-opem", "0"}, "did you mean --keep-open?");
  refused({"udp", "--seconds", "1", "127.0.0.1", "9"}, "--seconds requires --generate");
}
