// listen --broker: what a client says goes to all others.
#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include <thread>

#include "../support/talker.hpp"

namespace test {

namespace {

struct Broker {
  Process server;
  std::string port;
  explicit Broker(const std::vector<std::string>& words = {}, const Process::Options& streams = {})
      : server(sockx({"listen", "--broker", "-v", "127.0.0.1", "0"}) + words, streams),
        port(port_of(server)) {}
  /// Has been accepted.
  Talker join() {
    Talker talker(port);
    server.err_line("from " + talker.name());
    return talker;
  }
};

TEST_CASE("--broker: what a client says goes to all others, and not to itself") {
  Broker broker;
  auto ann = broker.join(), bob = broker.join(), eve = broker.join();
  ann.say("from ann\n");
  bob.hear("from ann");
  eve.hear("from ann");
  bob.say("from bob\n");
  ann.hear("from bob");
  eve.hear("from bob");
  CHECK(ann.heard() == "from bob\n");
  CHECK(bob.heard() == "from ann\n");
  CHECK(eve.heard() == "from ann\nfrom bob\n");
  CHECK(broker.server.out() == "");
}

TEST_CASE(
    "--broker: a client that has ended its half goes on receiving, and who comes later gets what comes "
    "later") {
  Broker broker;
  auto ann = broker.join(), bob = broker.join();
  ann.say("last words\n");
  ann.finish();
  bob.hear("last words");
  bob.say("to the others\n");
  ann.hear("to the others");
  auto eve = broker.join();
  bob.say("to eve too\n");
  eve.hear("to eve too");
  CHECK(eve.heard() == "to eve too\n");
}

TEST_CASE("--broker: streams in both directions at once arrive whole, also at one that begins to read late") {
  const std::size_t size = is_sanitized() ? 400'000 : 16'000'000;
  Broker broker;
  auto ann = broker.join(), bob = broker.join(), late = broker.join();
  const auto from_ann = noise(size, 1), from_bob = noise(size, 2);
  std::thread speaking_ann([&] { ann.say(from_ann); }), speaking_bob([&] { bob.say(from_bob); });
  std::thread hearing_ann([&] { ann.hear_bytes(size); });
  bob.hear_bytes(size / 320);  // less than what the broker holds for the late one before all have to wait
  std::thread hearing_late([&] { late.hear_bytes(2 * size); });
  bob.hear_bytes(size);
  for (auto* const thread : {&speaking_ann, &speaking_bob, &hearing_ann, &hearing_late}) thread->join();
  CHECK(difference(ann.heard(), from_bob) == "");
  CHECK(difference(bob.heard(), from_ann) == "");
  CHECK(late.heard().size() == 2 * size);
}

TEST_CASE("--broker --lines: no line is within another's") {
  Broker broker({"--lines"});
  auto ann = broker.join(), bob = broker.join(), eve = broker.join();
  ann.say("from ");
  bob.say("whole\n");
  eve.hear("whole");
  ann.say("ann\n");
  eve.hear("ann");
  ann.say("un");
  ann.finish();
  eve.hear("un");
  CHECK(eve.heard() == "whole\nfrom ann\nun\n");
}

TEST_CASE("--broker: one that does not read is cut off, and the others go on") {
  Broker broker;
  auto ann = broker.join(), bob = broker.join(), mute = broker.join();
  const auto content = noise(24'000'000);
  std::thread speaking([&] { ann.say(content); });
  bob.hear_bytes(content.size());
  speaking.join();
  CHECK(difference(bob.heard(), content) == "");
  CHECK(mute.peer().ends_by_reset());
  CHECK(contains(broker.server.err_line("it did not read"), mute.name()));
}

TEST_CASE("--broker: who alone listens sets the pace, and one that takes nothing for 5 s is cut off") {
  Broker broker;
  auto ann = broker.join(), bob = broker.join();
  const auto content = noise(24'000'000);
  std::thread speaking([&] { ann.say(content); });
  while (bob.heard().size() < 1'000'000) {
    std::this_thread::sleep_for(1ms);  // it is slow
    bob.hear_some();
  }
  bob.hear_bytes(content.size());
  speaking.join();
  CHECK(difference(bob.heard(), content) == "");
  std::thread speaking_on([&] { ann.say(content); });
  broker.server.err_line("it did not read");
  speaking_on.join();
}

TEST_CASE("--broker: standard input speaks to all, its end ends nobody, and --lines keeps its lines whole") {
  Broker broker({"--lines"}, {Stdio::pipe()});
  broker.server.write("waits for somebody\n");
  auto ann = broker.join();
  ann.hear("waits for somebody");
  auto bob = broker.join();
  broker.server.write("half");
  ann.say("whole\n");
  bob.hear("whole");
  broker.server.write(" and half\nend");
  broker.server.close_input();
  for (auto* const talker : {&ann, &bob}) {
    talker->hear("half and half");
    talker->hear("end");
  }
  CHECK(bob.heard() == "whole\nhalf and half\nend\n");
  ann.say("still here\n");
  bob.hear("still here");
}

TEST_CASE("--broker: a standard input that cannot be read, as of nohup, says nothing") {
  Broker broker({}, {Stdio::file("/dev/null", O_WRONLY)});
  auto ann = broker.join(), bob = broker.join();
  ann.say("from ann\n");
  bob.hear("from ann");
}

TEST_CASE("--broker: in the background of a terminal it does not read what is typed, and goes on") {
  if (is_missing("setsid")) return;
  int terminal = -1, program_side = -1;
  REQUIRE(openpty(&terminal, &program_side, nullptr, nullptr, nullptr) == 0);
  const UniqueFd keyboard(terminal), tty(program_side);
  const Folder folder;
  const auto port_file = folder / "port";
  // The shell gives the job a process group of its own, and goes on in the foreground.
  Process shell({"setsid", "--ctty", "--wait", "sh", "-c",
                 "set -m; \"$@\" & read line; echo \"shell: $line\"; read line; kill %1; wait", "sh",
                 sockx_binary(), "listen", "--broker", "--port-file", port_file, "127.0.0.1", "0"},
                {Stdio::given(tty.get())});
  const auto port = port_in(port_file);
  Talker ann(port), bob(port);
  ann.say("before\n");
  bob.hear("before");
  REQUIRE(write(keyboard.get(), "typed\n", 6) == 6);
  shell.out_line("shell: typed");
  ann.say("after\n");
  bob.hear("after");
  CHECK(bob.heard() == "before\nafter\n");
  REQUIRE(write(keyboard.get(), "end\n", 4) == 4);
  shell.wait();
}

}  // namespace

}  // namespace test
