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
  const auto line = listening.err_line("EAGAIN");  // nobody has connected yet
  CHECK(line.starts_with("accept("));
  run(sockx({"connect", "127.0.0.1", port_of(listening)}));
  check_end(listening, exited(0));
}

TEST_CASE("--trace -vv tells of every socket call that strace sees, in the same order") {
  if (is_missing("strace")) return;
  const Folder folder;
  Process listening(sockx({"listen", "127.0.0.1", "0"}));
  const auto log = folder / "strace";
  Process connecting(std::vector<std::string>{"strace", "-e", "trace=%network,ioctl,sendfile,splice", "-e",
                                              "signal=none", "-o", log} +
                         sockx({"connect", "--trace", "-vv", "127.0.0.1", port_of(listening)}),
                     {.environment = {"ASAN_OPTIONS=detect_leaks=0"}});  // it does not work under ptrace
  check_end(connecting, exited(0));
  std::vector<std::string> seen, told;
  for (const auto& line : lines_of(read_file(log))) {
    auto name = line.substr(0, line.find('('));
    // Whether standard error is a terminal is no socket call.
    if (name == "ioctl" && contains(line, "TCGETS")) continue;
    if (name == "recvfrom") name = "recv";
    if (name == "sendto") name = "send";
    if (!line.starts_with("+++")) seen.push_back(name);
  }
  for (const auto& line : lines_of(connecting.err())) {
    const auto name = line.substr(0, line.find('('));
    const bool is_socket_call = name != "getaddrinfo" && name != "close" && name != "read" && name != "write";
    if (contains(line, ") = ") && is_socket_call) told.push_back(name);
  }
  INFO("strace:\n", read_file(log), "\ntrace:\n", connecting.err());
  CHECK(told.size() > 5);
  CHECK(told == seen);
}

TEST_CASE("--trace: a failed call bears its errno") {
  Process connecting(sockx({"connect", "--trace", "unix:/nonexistent/socket"}));
  check_end(connecting, exited(4));
  CHECK(contains(connecting.err(), "= -1 ENOENT (No such file or directory)"));
}

}  // namespace

}  // namespace test
