// --trace: the flow of calls that founds everything, told by either side of one conversation.
#include "../support/sockx.hpp"

namespace test {

namespace {

/// The names of the calls, in order, those in a row once.
std::vector<std::string> calls_of(const std::string& trace) {
  std::vector<std::string> calls;
  for (const auto& line : lines_of(trace)) {
    const auto name = line.substr(0, line.find('('));
    if (contains(line, ") = ") && (calls.empty() || calls.back() != name)) calls.push_back(name);
  }
  return calls;
}

/// The first of `wanted` that does not come, in this order, in `calls`; empty when all do.
std::string missing_of(const std::vector<std::string>& wanted, const std::vector<std::string>& calls) {
  auto place = calls.begin();
  for (const auto& name : wanted) {
    place = std::find(place, calls.end(), name);
    if (place == calls.end()) return name;
    ++place;
  }
  return "";
}

TEST_CASE(
    "--trace: socket, bind, listen, accept on one side, socket, connect on the other, then data and the "
    "end") {
  const Folder folder;
  write_file(folder / "question", "what is the flow?");
  Process listening(sockx({"listen", "--trace", "127.0.0.1", "0"}), {Stdio::input(folder / "question")});
  const auto port = port_of(listening);
  Process connecting(sockx({"connect", "--trace", "127.0.0.1", port}), {Stdio::pipe()});
  connecting.feed("like this");
  check_end(connecting, exited(0));
  check_end(listening, exited(0));
  INFO("listen:\n", listening.err(), "\nconnect:\n", connecting.err());
  CHECK(missing_of({"socket", "bind", "listen", "accept", "sendfile", "shutdown", "close"},
                   calls_of(listening.err())) == "");
  CHECK(missing_of({"socket", "connect", "splice", "shutdown", "close"}, calls_of(connecting.err())) == "");
  CHECK(contains(listening.err(), "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = "));
  CHECK(contains(listening.err(), ", 127.0.0.1:0) = 0"));
  CHECK(contains(listening.err(), " (127.0.0.1:"));
  CHECK(contains(listening.err(), "SHUT_WR) = 0"));
  CHECK(contains(connecting.err(), ", 127.0.0.1:" + port + ") = "));
  CHECK_FALSE(contains(listening.err(), "EAGAIN"));  // "not now" is shown with -vv only
}

TEST_CASE("--trace -vv shows also the calls that only said: not now") {
  Process listening(sockx({"listen", "--trace", "-vv", "127.0.0.1", "0"}));
  const auto port = port_of(listening);
  run(sockx({"connect", "127.0.0.1", port}));
  check_end(listening, exited(0));
  CHECK(contains(listening.err(), "accept("));
  CHECK(contains(listening.err(), "EAGAIN"));
}

TEST_CASE("--trace: a failed call bears its errno") {
  Process connecting(sockx({"connect", "--trace", "unix:/nonexistent/socket"}));
  check_end(connecting, exited(4));
  CHECK(contains(connecting.err(), "= -1 ENOENT (No such file or directory)"));
}

}  // namespace

}  // namespace test
