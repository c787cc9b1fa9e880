#include "server_scenario.hpp"

#include <fcntl.h>
#include <signal.h>

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "../support/peer.hpp"
#include "injection.hpp"

namespace test {

namespace {

constexpr std::array numbers{1U, 2U, 3U, 5U, 8U, 13U};

std::string children_of(const Process& process) {
  const auto pid = std::to_string(process.pid());
  return read_file("/proc/" + pid + "/task/" + pid + "/children");
}

/// Enough for copying to give way to splice(2).
const std::string& stream() {
  static const auto bytes = noise(200'000);
  return bytes;
}

/// One life of the server, with at most one fault.
class ServerRun {
 public:
  ServerRun(const ServerScenario& scenario, const std::string& target, const std::string& fault);

  /// What went wrong; one complaint a line.
  std::string complaints(int most_failures);
  bool has_reached() const { return reached_; }
  const std::set<std::string>& met() const { return met_; }

 private:
  void serve_clients(int most_failures);
  bool is_served(Peer client, const std::string& message);
  bool has_begun();
  void end_server();
  void check_beginning_failed();
  void read_report();
  void complain(const std::string& what) { complaints_ += "\n  " + what; }

  const Transport& over_;
  std::string opening_, answer_;
  std::optional<PeerListener> listener_{std::in_place};
  std::string port_ = listener_->port();
  InjectorReport report_;
  std::unique_ptr<Process> server_;
  bool reached_ = false;
  std::set<std::string> met_;
  std::string complaints_;
};

ServerRun::ServerRun(const ServerScenario& scenario, const std::string& target, const std::string& fault)
    : over_(scenario.over), opening_(scenario.opening), answer_(scenario.answer) {
  if (const auto place = opening_.find("TARGET"); place != std::string::npos)
    opening_.replace(place, 6, target);
  auto words = over_.words(true) + scenario.words;
  std::replace(words.begin(), words.end(), std::string("TARGET"), target);
  words.insert(std::find(words.begin(), words.end(), "--"), "fd:" + std::to_string(listener_->fd()));
  Process::Options options;
  options.environment = {"SOCKX_FAULT_REPORT=" + std::to_string(report_.fd())};
  if (!fault.empty()) options.environment.push_back("SOCKX_FAULT=" + fault);
  options.inherited = {report_.fd(), listener_->fd()};
  server_ = std::make_unique<Process>(
      std::vector<std::string>{sockx_with_faults(), "--json", "listen", "--keep-open"} + words, options);
  listener_.reset();  // when the server ends, it is the end of its clients
}

/// Whether the server listens, and has not ended instead.
bool ServerRun::has_begun() {
  eventually("the server listens or ends",
             [&] { return contains(server_->out(), "\"listening\"") || !server_->is_running(); });
  return contains(server_->out(), "\"listening\"");
}

/// Whether the message has come back whole.
bool ServerRun::is_served(Peer client, const std::string& message) {
  const timeval patience_of_a_client{3, 0};
  setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience_of_a_client, sizeof patience_of_a_client);
  std::string back;
  try {
    client = over_.joined(std::move(client), false);
    client.send(opening_ + message);
    client.finish();
    const auto answer = client.receive(answer_.size());
    if (answer != answer_) return false;
    for (std::string part; !(part = client.receive(1)).empty();) {
      back += part;
      back += client.receive(message.size() - back.size());
    }
  } catch (const std::system_error& error) {
    if (error.code().value() == EAGAIN) complain("a client waits in vain");
    return false;
  } catch (const std::runtime_error&) {  // TLS is cut short
    return false;
  }
  if (!message.starts_with(back)) complain("wrong bytes: " + difference(back, message));
  return back == message;
}

void ServerRun::serve_clients(int most_failures) {
  const auto idle = server_->open_descriptors();
  int failures = 0;
  {
    std::vector<Peer> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(Peer::connect(port_));
    for (auto& client : clients) failures += is_served(std::move(client), stream()) ? 0 : 1;
  }
  if (failures > most_failures) complain(std::to_string(failures) + " clients have failed");
  // The fault may have waited for this one.
  failures += is_served(Peer::connect(port_), "later") ? 0 : 1;
  if (failures > most_failures) complain("who comes later is not served");
  try {
    eventually("free", [&] {
      return !server_->is_running() || (server_->open_descriptors() == idle && children_of(*server_).empty());
    });
  } catch (const std::exception&) {
    complain("left " + std::to_string(server_->open_descriptors()) + " descriptors instead of " +
             std::to_string(idle) + ", and the children " + children_of(*server_));
  }
}

void ServerRun::end_server() {
  if (!server_->is_running()) return complain("ended by itself: " + server_->err());
  server_->signal(SIGTERM);
  try {
    const auto end = server_->wait(run_limit);
    std::ostringstream how;
    how << end;
    if (end != killed_by(SIGTERM))
      complain("not SIGTERM, but " + how.str() + " at its end: " + server_->err());
  } catch (const std::exception&) {
    complain("SIGTERM does not end it");
  }
  if (server_->left_others()) complain("left a process");
}

void ServerRun::check_beginning_failed() {
  const auto end = server_->wait(run_limit);
  if (end.signal != 0 || end.status == 0) complain("did not listen, but: " + server_->err());
  if (lines_of(server_->err()).size() != 1) complain("not one line: " + server_->err());
}

void ServerRun::read_report() {
  for (const auto& line : report_.lines()) {
    if (line == "reached") reached_ = true;
    if (line.starts_with("met ")) met_.insert(line.substr(4));
  }
}

std::string ServerRun::complaints(int most_failures) {
  const bool has_begun = this->has_begun();
  try {
    if (has_begun) serve_clients(most_failures);
  } catch (const std::system_error& error) {
    complain(error.what());
    eventually("a server that refuses has ended", [&] { return !server_->is_running(); });
  }
  const bool has_accepted = contains(server_->out(), "\"accepted\"");
  if (has_accepted || server_->is_running()) {
    end_server();
  } else {
    complaints_.clear();  // nobody could be served
    check_beginning_failed();
  }
  read_report();
  return complaints_;
}

}  // namespace

void meet_every_fault(const ServerScenario& scenario) {
  std::unique_ptr<Process> target;
  std::string where;
  if (scenario.has_target) {
    const std::vector<std::string> words{"--quiet", "listen", "-k", "--handler", "echo", "127.0.0.1:0"};
    target = std::make_unique<Process>(sockx(words) + scenario.target_words);
    where = "127.0.0.1:" + port_of(*target);
  }
  ServerRun undisturbed(scenario, where, "");
  const auto complaints = undisturbed.complaints(0);
  REQUIRE_MESSAGE(complaints.empty(), scenario.name, " without a fault:", complaints);

  /// Every child counts its own calls: each meets the fault.
  const auto most_failures = [&](const FaultRow& row) {
    if (row.key.starts_with("child/")) return 4;
    const auto& costly = scenario.costly;
    const bool is_costly = std::find(costly.begin(), costly.end(), row.key) != costly.end();
    return is_costly || row.statuses != std::vector{0} ? 1 : 0;
  };
  unsigned injections = 0, failures = 0;
  for (const auto& row : fault_table()) {
    if (!undisturbed.met().contains(row.key)) continue;
    for (const auto& name : tried_of(row)) {
      for (const unsigned number : numbers) {
        if (!is_tried(number)) continue;
        const auto fault = row.key + ':' + std::to_string(number) + ':' + name;
        ServerRun run(scenario, where, fault);
        const auto wrong = run.complaints(most_failures(row));
        CHECK_MESSAGE(wrong.empty(), scenario.name, ", ", fault, wrong);
        if (!wrong.empty()) REQUIRE(++failures < 8);  // each may take seconds
        if (!run.has_reached()) break;
        ++injections;
      }
    }
  }
  MESSAGE(scenario.name, ": ", injections, " injections");
  CHECK(injections > 0);
}

}  // namespace test
