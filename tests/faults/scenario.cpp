#include "scenario.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "injection.hpp"

namespace test {

namespace {

using Meeting = Scenario::Meeting;

constexpr unsigned most_calls = 64;  // of a kind: those beyond are like those before

UniqueFd unix_listener(const std::string& path, int type) {
  UniqueFd listener(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Peer::check(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  Peer::check(listen(listener.get(), 16), "listen");
  return listener;
}

UniqueFd tcp_listener(std::string& port) {
  const PeerListener made;
  port = made.port();
  return UniqueFd(fcntl(made.fd(), F_DUPFD_CLOEXEC, 0));
}

bool is_listened_on(const std::string& path) {
  constexpr auto listening_flags = "00010000";  // __SO_ACCEPTCON
  std::ifstream rows("/proc/net/unix");
  for (std::string row; std::getline(rows, row);)
    if (row.ends_with(path) && contains(row, listening_flags)) return true;
  return false;
}

std::vector<std::string> with_replaced(std::vector<std::string> words,
                                       const std::vector<std::pair<std::string, std::string>>& values) {
  for (auto& word : words)
    for (const auto& [name, value] : values)
      if (const auto at = word.find(name); at != std::string::npos) word.replace(at, name.size(), value);
  return words;
}

/// One meeting of the two programs, with at most one fault.
class Run {
 public:
  Run(const Scenario& scenario, const Folder& folder, std::string fault)
      : scenario_(scenario), folder_(folder), fault_(std::move(fault)) {}

  /// What went wrong; one complaint a line.
  std::string complaints(const FaultRow& row, const std::string& fault_name);
  bool has_reached() const { return reached_; }
  const std::set<std::string>& met() const { return met_; }

 private:
  struct Outcome {
    End end;
    std::string error, output;
    bool has_ended = false, has_begun = false;
  };

  void play();
  std::unique_ptr<Process> start(const Program& program, bool is_faulty);
  Process::Options options_of(const Program& program, bool is_faulty) const;
  bool await_listener();
  Outcome outcome_of(std::unique_ptr<Process>& process, const Program& program, bool is_faulty);
  std::string path(const std::string& name, bool is_faulty) const {
    return folder_ / (name + (is_faulty ? "-faulty" : "-healthy"));
  }
  std::string input_of(bool is_faulty) const {
    return is_faulty ? scenario_.sent : scenario_.answers + scenario_.received;
  }
  const std::string& arrives_at(bool is_faulty) const {
    if (is_faulty) return scenario_.received;
    return scenario_.arrives.empty() ? scenario_.sent : scenario_.arrives;
  }
  bool listens(bool is_faulty) const { return is_faulty == scenario_.faulty_listens; }
  bool is_inherited() const {
    return scenario_.meeting != Meeting::tcp_port_file && scenario_.meeting != Meeting::unix_path;
  }

  void complain(const std::string& what) { complaints_ += "\n  " + what; }
  void check_program(const Outcome& outcome, const FaultRow& row, const std::string& fault_name);
  void check_error(const Outcome& outcome, const FaultRow& row, const std::string& fault_name);
  void check_delivery(const Outcome& outcome, const Program& program, bool is_faulty);
  void check_tee(const Outcome& outcome, const std::string& tee, const std::string& expected);
  void check_healthy(const Outcome& outcome);
  void check_folder();
  void check_report();
  void check_children();

  const Scenario& scenario_;
  const Folder& folder_;
  std::string fault_;
  InjectorReport report_;
  UniqueFd listener_;
  std::string where_;  // for whoever dials
  std::unique_ptr<Process> faulty_process_, healthy_process_;
  Outcome faulty_, healthy_;
  std::map<bool, bool> is_whole_;  // what has arrived, by program
  bool reached_ = false;
  std::set<std::string> met_;
  std::string complaints_;
};

Process::Options Run::options_of(const Program& program, bool is_faulty) const {
  Process::Options options;
  const auto input = path("input", is_faulty), output = path("stdout", is_faulty);
  if (program.in == Place::file) options.in = Stdio::input(input);
  if (program.in == Place::pipe) options.in = Stdio::pipe();
  if (program.out == Place::file) options.out = Stdio::output(output);
  if (program.out == Place::nothing) options.out = Stdio::null();
  if (!is_faulty) {
    options.environment = {"ASAN_OPTIONS=detect_leaks=0"};  // it is not the one to be examined
  } else {
    options.environment = {"SOCKX_FAULT_REPORT=" + std::to_string(report_.fd())};
    if (!fault_.empty()) options.environment.push_back("SOCKX_FAULT=" + fault_);
    options.inherited.push_back(report_.fd());
  }
  options.environment.insert(options.environment.end(), scenario_.environment.begin(),
                             scenario_.environment.end());
  if (listens(is_faulty) && listener_) options.inherited.push_back(listener_.get());
  return options;
}

std::unique_ptr<Process> Run::start(const Program& program, bool is_faulty) {
  const auto own_endpoint = [&]() -> std::string {
    if (!listens(is_faulty)) return where_;
    if (is_inherited()) return "fd:" + std::to_string(listener_.get());
    return scenario_.meeting == Meeting::unix_path ? where_ : "127.0.0.1:0";
  };
  auto words = with_replaced(program.words, {{"ENDPOINT", own_endpoint()},
                                             {"INPUT", path("input", is_faulty)},
                                             {"OUTPUT", path("output", is_faulty)},
                                             {"TEE-OUT", path("tee-out", is_faulty)},
                                             {"TEE", path("tee", is_faulty)},
                                             {"PORTFILE", folder_ / "port"},
                                             {"PORT", where_.substr(where_.rfind(':') + 1)}});
  words.insert(words.begin(), is_faulty ? sockx_with_faults() : sockx_binary());
  auto process = std::make_unique<Process>(std::move(words), options_of(program, is_faulty));
  if (program.in == Place::pipe) process->feed(input_of(is_faulty));
  return process;
}

/// False when the faulty program has ended before it listened.
bool Run::await_listener() {
  if (is_inherited()) return true;
  const auto port_file = folder_ / "port";
  bool is_there = false;
  eventually("the faulty program listens or ends", [&] {
    is_there = scenario_.meeting == Meeting::tcp_port_file ? fs::exists(port_file)
                                                           : is_listened_on(folder_ / "socket");
    return is_there || !faulty_process_->is_running();
  });
  if (is_there && scenario_.meeting == Meeting::tcp_port_file) where_ = "127.0.0.1:" + port_in(port_file);
  return is_there;
}

void Run::play() {
  const auto socket_path = folder_ / "socket";
  switch (scenario_.meeting) {
    case Meeting::tcp_inherited: {
      std::string port;
      listener_ = tcp_listener(port);
      where_ = "127.0.0.1:" + port;
      break;
    }
    case Meeting::unix_inherited:
      listener_ = unix_listener(socket_path, SOCK_STREAM);
      where_ = "unix:" + socket_path;
      break;
    case Meeting::records:
      listener_ = unix_listener(socket_path, SOCK_SEQPACKET);
      where_ = "unix:" + socket_path;
      break;
    case Meeting::unix_path:
      where_ = "unix:" + socket_path;
      break;
    case Meeting::tcp_port_file:
      break;
  }
  if (scenario_.faulty_listens) {
    faulty_process_ = start(scenario_.faulty, true);
    if (await_listener()) healthy_process_ = start(scenario_.healthy, false);
    listener_.reset();
  } else {
    healthy_process_ = start(scenario_.healthy, false);
    faulty_process_ = start(scenario_.faulty, true);
  }
  faulty_ = outcome_of(faulty_process_, scenario_.faulty, true);
  if (listener_) shutdown(listener_.get(), SHUT_RDWR);  // whoever still waits there waits in vain
  healthy_ = outcome_of(healthy_process_, scenario_.healthy, false);
}

Run::Outcome Run::outcome_of(std::unique_ptr<Process>& process, const Program& program, bool is_faulty) {
  Outcome outcome;
  outcome.has_begun = process != nullptr;
  if (!process) return outcome;
  try {
    outcome.end = process->wait(run_limit);
    outcome.has_ended = true;
  } catch (const std::exception&) {
    complain(std::string(is_faulty ? "hangs" : "the healthy program hangs") + ": " + process->err());
  }
  outcome.error = process->err();
  const bool is_named = program.out == Place::named || program.out == Place::counted;
  const auto file = path(is_named ? "output" : "stdout", is_faulty);
  if (program.out == Place::pipe) outcome.output = process->out();
  if (program.out == Place::file || (is_named && fs::exists(file))) outcome.output = read_file(file);
  process.reset();
  return outcome;
}

std::string Run::complaints(const FaultRow& row, const std::string& fault_name) {
  play();
  check_report();
  check_delivery(faulty_, scenario_.faulty, true);
  check_delivery(healthy_, scenario_.healthy, false);
  static const FaultRow no_fault{"", {}};
  if (faulty_.has_ended) check_program(faulty_, reached_ ? row : no_fault, fault_name);
  check_healthy(healthy_);
  check_folder();
  check_children();
  return complaints_;
}

void Run::check_program(const Outcome& outcome, const FaultRow& row, const std::string& fault_name) {
  const auto& [status, signal] = outcome.end;
  if (signal != 0) {
    if (signal != row.signal) complain("killed by signal " + std::to_string(signal) + ": " + outcome.error);
    return;
  }
  const bool is_right = std::find(row.statuses.begin(), row.statuses.end(), status) != row.statuses.end();
  if (!is_right) complain("status " + std::to_string(status) + ": " + outcome.error);
  if (status != 0) return check_error(outcome, row, fault_name);
  if (!outcome.error.empty()) complain("ends well, but says: " + outcome.error);
  for (const bool is_faulty : {true, false})
    if (!is_whole_[is_faulty])
      complain(is_faulty ? "0 with a part" : "0, but a part arrived, and the other said: " + healthy_.error);
  // Over TLS a fault may meet only the last word, close_notify: a reset once everything else is acknowledged,
  // any other where there was nothing else to say.
  const bool is_fault = row.statuses.size() > 1;
  const bool is_last_word = scenario_.tells_received_parts &&
                            (row.statuses == std::vector{0, 7} || (is_fault && scenario_.sent.empty()));
  if (!healthy_.has_ended || (healthy_.end != exited(0) && !is_last_word))
    complain("the healthy program failed: " + healthy_.error);
}

void Run::check_error(const Outcome& outcome, const FaultRow& row, const std::string& fault_name) {
  const auto lines = lines_of(outcome.error);
  if (lines.size() != 1 || !lines.front().starts_with("sockx: "))
    return complain("not one line: " + outcome.error);
  const auto words = row.words.empty() ? row.key.substr(0, row.key.find('@')) : row.words;
  bool found = false;
  for (std::size_t begin = 0; begin <= words.size();) {
    const auto end = std::min(words.find('|', begin), words.size());
    found = found || contains(lines.front(), words.substr(begin, end - begin));
    begin = end + 1;
  }
  if (!found) complain("does not say '" + words + "' of " + fault_name + ": " + lines.front());
}

void Run::check_delivery(const Outcome& outcome, const Program& program, bool is_faulty) {
  const auto& expected = arrives_at(is_faulty);
  const auto named = path("output", is_faulty);
  const bool is_missing = program.out == Place::named && !fs::exists(named);
  const auto all = "\"complete\":true,\"bytes\":" + std::to_string(expected.size()) + ',';
  is_whole_[is_faulty] = program.out == Place::nothing || (outcome.output == expected && !is_missing) ||
                         (program.out == Place::counted && contains(outcome.output, all));
  const auto* const who = is_faulty ? "here" : "there";
  const bool is_content = program.out != Place::nothing && program.out != Place::counted;
  if (is_content && !expected.starts_with(outcome.output))
    complain(std::string("wrong bytes ") + who + ": " + difference(outcome.output, expected));
  if (program.out == Place::named && fs::exists(named) && outcome.output != expected)
    complain(std::string("a part bears its name ") + who);
  check_tee(outcome, path("tee", is_faulty), expected);
  check_tee(outcome, path("tee-out", is_faulty), input_of(is_faulty));
}

void Run::check_tee(const Outcome& outcome, const std::string& tee, const std::string& expected) {
  if (!fs::exists(tee)) return;
  const auto copied = read_file(tee);
  if (!expected.starts_with(copied)) complain("wrong bytes in the tee: " + difference(copied, expected));
  if (outcome.end == exited(0) && copied != expected) complain("0 with a part in the tee");
}

/// Over TCP a part of a file is never taken for the whole, nor over TLS a part of what is received.
void Run::check_healthy(const Outcome& outcome) {
  if (!outcome.has_ended) return;
  if (outcome.end.signal != 0) complain("the healthy program died: " + outcome.error);
  if (outcome.end != exited(0)) return;
  const bool tells_received = scenario_.tells_parts || scenario_.tells_received_parts;
  if ((tells_received && !is_whole_[false]) || (scenario_.tells_parts && !is_whole_[true]))
    complain("the healthy program takes a part for the whole");
}

void Run::check_folder() {
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(".sockx-")) complain("left " + name);
    if (name == "socket" && !is_inherited()) complain("left its socket");
    if (!name.starts_with("input-")) fs::remove(entry.path());
  }
}

void Run::check_report() {
  // Standard error that cannot be opened anew is written by a thread, which has a socket until the process
  // ends.
  const bool has_thread = scenario_.asks_for_names || fault_.starts_with("open@stream:");
  for (const auto& line : report_.lines()) {
    if (line == "reached") reached_ = true;
    if (line.starts_with("open ") && !has_thread) complain("leaks descriptor " + line.substr(5));
    if (line.starts_with("met ")) met_.insert(line.substr(4));
  }
}

/// What a program leaves behind becomes ours: PR_SET_CHILD_SUBREAPER in prctl(2).
void Run::check_children() {
  for (pid_t left = 0; (left = waitpid(-1, nullptr, 0)) > 0;) complain("left a child process");
}

/// Whether every call may fail so. What asks to be tried again may not, or nothing would ever come to pass.
bool may_go_on(const std::string& key, const std::string& fault) {
  if (fault == "short") return false;  // byte by byte it takes long
  return key != "accept4" && fault != "EINTR" && fault != "EAGAIN" && fault != "nothing";
}

/// The scenario's own word on a fault, or the table's.
std::vector<FaultRow> rows_of(const Scenario& scenario) {
  const auto excepted = [&](const std::string& key, const std::string& fault) {
    return std::any_of(scenario.exceptions.begin(), scenario.exceptions.end(), [&](const FaultRow& row) {
      return row.key == key && std::find(row.faults.begin(), row.faults.end(), fault) != row.faults.end();
    });
  };
  auto rows = fault_table();
  for (auto& row : rows)
    std::erase_if(row.faults, [&](const auto& fault) { return excepted(row.key, fault); });
  rows.insert(rows.end(), scenario.exceptions.begin(), scenario.exceptions.end());
  return rows;
}

}  // namespace

void meet_every_fault(const Scenario& scenario) {
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const Folder folder;
  write_file(folder / "input-faulty", scenario.sent);
  write_file(folder / "input-healthy", scenario.received);

  Run undisturbed(scenario, folder, "");
  const auto complaints = undisturbed.complaints({"", {}, {0}}, "");
  REQUIRE_MESSAGE(complaints.empty(), scenario.name, " without a fault:", complaints);

  unsigned injections = 0;
  /// Whether the fault was met.
  const auto inject = [&](const FaultRow& row, const std::string& name, const std::string& number) {
    const auto fault = row.key + ':' + number + ':' + name;
    Run run(scenario, folder, fault);
    const auto wrong = run.complaints(row, name);
    CHECK_MESSAGE(wrong.empty(), scenario.name, ", ", fault, wrong);
    if (run.has_reached()) ++injections;
    return run.has_reached() && wrong.empty();
  };
  // Over TLS a run costs five times as much, and most calls of a kind are like those before.
  const auto is_due = [&](unsigned number) {
    return is_tried(number) && (!scenario.tells_received_parts || std::has_single_bit(number));
  };
  for (const auto& row : rows_of(scenario)) {
    const bool is_left_out = row.statuses.empty() && row.signal == 0;
    if (!undisturbed.met().contains(row.key) || is_left_out) continue;
    for (const auto& name : tried_of(row)) {
      for (unsigned number = 1; number <= most_calls; ++number)
        if (is_due(number) && !inject(row, name, std::to_string(number))) break;
      if (!is_sanitized() && may_go_on(row.key, name)) inject(row, name, "1+");
    }
  }
  MESSAGE(scenario.name, ": ", injections, " injections");
  CHECK(injections > 0);
}

}  // namespace test
