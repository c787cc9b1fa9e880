// connect races the addresses of a name: RFC 8305.
#include <chrono>

#include "../support/namespace.hpp"
#include "../support/sockx.hpp"

namespace test {

namespace {

TEST_CASE("connect: two dead addresses in front of a live one cost two attempt delays, not two time-outs") {
  const Folder folder;
  // Nobody answers on the first two. The third is our own; with a source on the other net it is sorted last.
  write_file(folder / "hosts", "198.51.100.2 race\n198.51.100.3 race\n203.0.113.1 race\n");
  const Namespace network(
      "ip link add near type veth peer name far; ip address add 198.51.100.1/24 dev near\n"
      "ip link set near up; ip link set far up; ip address add 203.0.113.1/32 dev lo\n"
      "ip route replace local 203.0.113.1 dev lo table local src 198.51.100.1 proto kernel scope host\n"
      "mount --bind " +
      (folder / "hosts") + " /etc/hosts");
  if (!network.works()) return;
  Process listening(network.within(sockx({"listen", "203.0.113.1", "0"})));
  const auto port = port_of(listening);
  const auto begun = std::chrono::steady_clock::now();
  Process connecting(network.within(sockx({"connect", "-v", "race", port})));
  check_end(connecting, exited(0));
  const std::chrono::duration<double> span = std::chrono::steady_clock::now() - begun;
  MESSAGE("connected, talked and ended in ", span.count(), " s");
  CHECK(span.count() < 60);
  CHECK(span.count() > 0.5);  // 250 ms after each of the two
  std::string tried;
  for (const auto& line : lines_of(connecting.err()))
    if (contains(line, "trying ")) tried += line.substr(line.find("trying ") + 7) + ' ';
  CHECK(tried == "198.51.100.2:" + port + " 198.51.100.3:" + port + " 203.0.113.1:" + port + ' ');
  CHECK(contains(connecting.err(), "203.0.113.1:" + port + " has accepted"));
  check_end(listening, exited(0));
}

TEST_CASE("connect: when every address fails, the line says how many there were") {
  const Folder folder;
  write_file(folder / "hosts", "127.0.0.2 nobody\n127.0.0.3 nobody\n");
  const Namespace network("mount --bind " + (folder / "hosts") + " /etc/hosts");
  if (!network.works()) return;
  Process connecting(network.within(sockx({"connect", "nobody", "9"})));
  check_failure(connecting, 4, "connect nobody:9 (2 addresses): Connection refused");
}

}  // namespace

}  // namespace test
