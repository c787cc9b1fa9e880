// Recipes of the web for nc, as they are typed in bash, with sockx as nc: what they print is what they print
// with nc.openbsd.
#include <doctest/doctest.h>

#include "../interop/proxies.hpp"
#include "../support/server.hpp"
#include "../support/sockx.hpp"
#include "own_network.hpp"

namespace test {

namespace {

struct Recipe {
  std::string name, script, prints;
};

/// `listens PORT` and `bound PORT` wait until somebody does; `other` is nc.openbsd.
const std::string prelude = R"sh(
set -u
other() { nc.openbsd "$@"; }
has() { local port; printf -v port ':%04X [0-9A-F:]* %s' "$1" "$2"; shift 2
        until grep -q "$port" "$@" 2>/dev/null; do sleep 0.01; done; }
listens() { has "$1" 0A /proc/self/net/tcp /proc/self/net/tcp6; }
bound() { has "$1" 07 /proc/self/net/udp /proc/self/net/udp6; }
at() { until [ -S "$1" ]; do sleep 0.01; done; }
)sh";

const std::vector<Recipe> recipes{
    {"a file", R"sh(
seq 100000 >in
nc -l 9000 >out & listens 9000
nc -N 127.0.0.1 9000 <in
wait; cmp in out && echo same)sh",
     "same\n"},

    {"a file, as with -q and -p", R"sh(
seq 100000 >in
nc -l -p 9000 >out & listens 9000
cat in | nc -q 0 127.0.0.1 9000
wait; cmp in out && echo same)sh",
     "same\n"},

    {"a file from who listens", R"sh(
seq 100000 >in
nc -l -N 9000 <in & listens 9000
nc -d 127.0.0.1 9000 >out
wait; cmp in out && echo same)sh",
     "same\n"},

    {"a file with a timeout", R"sh(
seq 1000 >in
nc -l 9000 >out & listens 9000
nc -w 1 127.0.0.1 9000 <in
wait; cmp in out && echo same)sh",
     "same\n"},

    {"a folder by tar", R"sh(
mkdir in out; seq 1000 >in/one; echo two >in/two
nc -l 9000 | tar xf - -C out & listens 9000
tar cf - -C in . | nc -N 127.0.0.1 9000
wait; diff -r in out && echo same)sh",
     "same\n"},

    {"a disk, compressed", R"sh(
head -c 1000000 /dev/zero >in
nc -l 9000 | gunzip | dd of=out 2>/dev/null & listens 9000
dd if=in bs=64k 2>/dev/null | gzip -c | nc -N 127.0.0.1 9000
wait; cmp in out && echo same)sh",
     "same\n"},

    {"the banner of a server", R"sh(
echo "SSH-2.0-OpenSSH" | other -l 2222 >/dev/null & listens 2222
echo | nc -w 1 127.0.0.1 2222)sh",
     "SSH-2.0-OpenSSH\n"},

    {"the banner, and QUIT", R"sh(
(echo "220 mail"; sleep 0.05) | other -N -l 2525 >said & listens 2525
echo QUIT | nc -q 0 127.0.0.1 2525; wait; cat said)sh",
     "220 mail\nQUIT\n"},

    {"which ports are open", R"sh(
other -l 22 & other -l 25 & listens 22; listens 25
nc -zv 127.0.0.1 20-30 2>&1 | grep succeeded; wait)sh",
     "Connection to 127.0.0.1 22 port [tcp/ssh] succeeded!\nConnection to 127.0.0.1 25 port [tcp/smtp] "
     "succeeded!\n"},

    {"is it up", R"sh(
other -k -l 9000 & listens 9000
nc -z 127.0.0.1 9000 && echo up || echo down
nc -z -w 1 127.0.0.1 9001 && echo up || echo down
if nc -zw1 localhost 9000; then echo up; fi
nc -vz 127.0.0.1 9001 &>/dev/null; echo $?
kill %1)sh",
     "up\ndown\nup\n1\n"},

    {"wait until it is up", R"sh(
(sleep 0.2; other -l 9000) &
while ! nc -z 127.0.0.1 9000; do sleep 0.05; done
echo up; wait)sh",
     "up\n"},

    {"wait, with a limit", R"sh(
other -k -l 9000 &
for i in $(seq 100); do nc -z localhost 9000 >/dev/null 2>&1 && break; sleep 0.05; done
echo $?; kill %1)sh",
     "0\n"},

    {"a port forwarded with a fifo", R"sh(
echo "from the server" | other -N -l 9001 >request & listens 9001
mkfifo back
nc -l 9000 <back | nc -N 127.0.0.1 9001 >back & listens 9000
echo "from the client" | nc -N 127.0.0.1 9000
wait; cat request)sh",
     "from the server\nfrom the client\n"},

    {"a shell with a fifo", R"sh(
mkfifo f
cat f | sh 2>&1 | nc -N -l 127.0.0.1 9000 >f & listens 9000
printf 'echo $((6 * 7))\nexit\n' | nc 127.0.0.1 9000)sh",
     "42\n"},

    {"HTTP over a unix socket", R"sh(
printf 'HTTP/1.0 200 OK\r\n\r\nOK\n' | other -N -lU docker.sock >request & at docker.sock
printf 'GET /_ping HTTP/1.0\r\n\r\n' | nc -U docker.sock | tr -d '\r'
wait; tr -d '\r' <request)sh",
     "HTTP/1.0 200 OK\n\nOK\nGET /_ping HTTP/1.0\n\n"},

    {"a page for a browser", R"sh(
echo "<p>hello" >page
{ printf 'HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n'; cat page; } | nc -l -N 8000 >request & listens 8000
curl -s --noproxy '*' http://127.0.0.1:8000/; wait; head -1 request | tr -d '\r')sh",
     "<p>hello\nGET / HTTP/1.1\n"},

    {"a page of a server", R"sh(
printf 'HTTP/1.0 200 OK\r\n\r\nhello\n' | other -N -l 8000 >request & listens 8000
printf 'GET / HTTP/1.0\r\n\r\n' | nc 127.0.0.1 8000 | tail -1; wait)sh",
     "hello\n"},

    {"mail with -C", R"sh(
printf '220 x\r\n' | other -N -l 2525 >said & listens 2525
nc -C 127.0.0.1 2525 <<END | tr -d '\r'
HELO host.example.com
QUIT
END
wait; od -c said | head -2)sh",
     "220 x\n"
     "0000000   H   E   L   O       h   o   s   t   .   e   x   a   m   p   l\n"
     "0000020   e   .   c   o   m  \\r  \\n   Q   U   I   T  \\r  \\n\n"},

    {"a message to syslog", R"sh(
other -u -l -W 1 5514 >log & bound 5514
echo '<13>script: hello' | nc -w 1 -u 127.0.0.1 5514
wait; cat log)sh",
     "<13>script: hello\n"},

    {"a counter of statsd", R"sh(
other -u -l -W 1 8125 >log & bound 8125
nc -w 0 -u 127.0.0.1 8125 <<<"deploys:1|c"
wait; cat log)sh",
     "deploys:1|c\n"},

    {"a log of datagrams", R"sh(
nc -u -l -k 5514 >log & server=$!; bound 5514
for i in 1 2 3; do echo "line $i" | other -u -q 0 127.0.0.1 5514; done
until [ "$(wc -l <log)" = 3 ]; do sleep 0.01; done
kill $server; cat log)sh",
     "line 1\nline 2\nline 3\n"},

    {"one client after the other", R"sh(
nc -lk 9000 >log & server=$!; listens 9000
for i in 1 2 3; do echo "client $i" | other -N 127.0.0.1 9000; done
until [ "$(wc -l <log)" = 3 ]; do sleep 0.01; done
kill $server; cat log)sh",
     "client 1\nclient 2\nclient 3\n"},

    {"again and again without -k", R"sh(
for i in 1 2 3; do
  nc -l -p 9000 >>log & listens 9000
  echo "client $i" | nc -N 127.0.0.1 9000; wait
done
cat log)sh",
     "client 1\nclient 2\nclient 3\n"},

    {"a chat", R"sh(
mkfifo a b; exec 3<>a 4<>b
nc -l 9000 <a >heard-by-a & listens 9000
nc 127.0.0.1 9000 <b >heard-by-b &
echo "hello b" >&3; echo "hello a" >&4
until [ -s heard-by-a ] && [ -s heard-by-b ]; do sleep 0.01; done
exec 3>&- 4>&-
kill %1 %2; cat heard-by-a heard-by-b)sh",
     "hello a\nhello b\n"},

    {"a command of redis", R"sh(
printf '+PONG\r\n' | other -l 6379 >request & listens 6379
printf 'PING\r\n' | nc -w 1 127.0.0.1 6379 | tr -d '\r'; cat request | tr -d '\r')sh",
     "+PONG\nPING\n"},

    {"a measurement with dd", R"sh(
nc -l 9000 | wc -c & listens 9000
dd if=/dev/zero bs=1M count=20 2>/dev/null | nc -N 127.0.0.1 9000
wait)sh",
     "20971520\n"},
};  // namespace test

std::string run_recipe(const Recipe& recipe, const std::string& nc) {
  const Folder folder;
  fs::create_directory(folder / "bin");
  fs::create_symlink(nc, folder / "bin/nc");
  fs::create_directory(folder / "work");
  const char* const path = std::getenv("PATH");
  Process bash(
      {"bash", "-c", prelude + recipe.script},
      {.environment = {"PATH=" + (folder / "bin") + ":" + (path != nullptr ? path : "/usr/bin:/bin")},
       .folder = folder / "work"});
  bash.wait();
  return bash.out() == recipe.prints ? "" : "printed: " + bash.out() + "stderr: " + bash.err();
}

void check_recipes(const std::string& nc) {
  std::vector<std::function<std::string()>> jobs;
  for (const auto& recipe : recipes)
    jobs.emplace_back([&recipe, nc] {
      try {
        return run_recipe(recipe, nc);
      } catch (const std::exception& error) {
        return std::string(error.what());
      }
    });
  const auto results = run_in_own_networks("127.0.0.1 localhost\n::1 localhost\n", 12, jobs);
  for (std::size_t i = 0; i < results.size(); ++i)
    CHECK_MESSAGE(results[i].empty(), recipes[i].name, "\n", results[i]);
}

}  // namespace

TEST_CASE("nc recipes: they do what they say") {
  if (is_missing("nc.openbsd") || is_missing("curl") || is_missing("bash")) return;
  check_recipes(sockx_binary());
}

TEST_CASE("nc recipes: they do the same with nc.openbsd") {
  const auto program = path_of("nc.openbsd");
  if (program.empty() || is_missing("curl") || is_missing("bash")) return;
  check_recipes(program);
}

TEST_CASE("nc recipes: ssh goes through a proxy by nc -x") {
  if (SshServer::is_missing() || is_missing("microsocks") || is_missing("tinyproxy")) return;
  const Folder folder;
  fs::create_symlink(sockx_binary(), folder / "nc");
  const SshServer ssh_server(folder);
  Server target(Words{"-k", "--exec", "--"} + ssh_server.serves()), echo_server({"-k", "--handler", "echo"});
  const auto socks = microsocks(), http = tinyproxy();
  const auto check = [&](const std::string& kind, const OtherProxy& proxy) {
    Process ssh(ssh_server.client((folder / "nc") + " -X " + kind + " -x 127.0.0.1:" + proxy.port + " %h %p",
                                  {"-o", "HostName=127.0.0.1", "-p", target.port(), "-W",
                                   "127.0.0.1:" + echo_server.port()}),
                {.in = Stdio::pipe()});
    ssh.write("hello\n");
    CHECK(ssh.out_line() == "hello");
    ssh.close_input();
    check_end(ssh, exited(0));
  };
  check("5", socks);
  check("connect", http);
}

}  // namespace test
