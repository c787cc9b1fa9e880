// What users of other tools type, and what sockx tells them to type instead.
#include "../support/sockx.hpp"

namespace test {

namespace {

struct Hint {
  std::vector<std::string> words;
  std::string said;
};

void check_hints(const std::vector<Hint>& hints) {
  for (const auto& hint : hints) {
    Process process(sockx(hint.words));
    check_failure(process, 2, hint.said);
    CHECK(process.out().empty());
  }
}

TEST_CASE("hints: the letters of nc, alone and together") {
  check_hints({
      {{"-l", "80"}, "-l: use `sockx listen`"},
      {{"listen", "-p", "80"}, "-p: the port is a word of its own: `sockx listen PORT`"},
      {{"udp", "-l", "53"}, "-l: say --listen: `sockx udp --listen PORT`"},
      {{"udp", "-u", "a", "53"}, "-u: leave it out"},
      {{"connect", "-p", "4000", "a", "80"}, "-p: to send from port N say --source :N"},
      {{"connect", "-z", "a", "80"}, "-z: use `sockx connect --check HOST PORT`"},
      {{"connect", "-s", "192.0.2.1", "a", "80"}, "-s: use --source ADDRESS"},
      {{"connect", "-C", "a", "80"}, "-C: use --crlf"},
      {{"connect", "-q", "1", "a", "80"}, "-q: leave it out, or use --eof-timeout"},
      {{"listen", "-w", "3", "80"}, "-w: use --connect-timeout, --accept-timeout or --idle-timeout"},
      {{"-vz", "a", "80"}, "-vz: use `sockx connect -v --check HOST PORT`"},
      {{"-zvn", "a", "80"}, "-zvn: use `sockx connect -vn --check HOST PORT`"},
      {{"-lvnp", "80"}, "-lvnp: use `sockx listen -vn PORT`"},
      {{"-lk", "80"}, "-lk: use `sockx listen -k PORT`"},
      {{"-lu", "53"}, "-lu: use `sockx udp --listen PORT`"},
      {{"-nvu", "a", "53"}, "-nvu: use `sockx udp -vn HOST PORT`"},
      {{"-lp80"}, "-l: use `sockx listen`"},
      {{"listen", "-lvnp", "80"}, "use `sockx listen"},
      {{"connect", "-vz", "a", "80"}, "use `sockx connect"},
      {{"udp", "-lvp", "53"}, "`sockx udp"},
  });
}

TEST_CASE("hints: an option before the subcommand that has it") {
  check_hints({
      {{"-w", "3", "connect", "a", "80"},
       "-w: it is an option of connect, and stands after it: `sockx connect -w"},
      {{"-k", "listen", "80"}, "-k: it is an option of listen"},
      {{"--deadline", "3", "connect", "a", "80"}, "--deadline: it is an option of connect"},
      {{"-w3", "connect", "a", "80"},
       "-w: it is an option of connect, and stands after it: `sockx connect -w3 ...`"},
      {{"--no-such-option", "connect", "a", "80"}, "'--no-such-option': no such option"},
  });
}

TEST_CASE("hints: options of other tools") {
  check_hints({
      {{"connect", "--timeout", "3", "a", "80"},
       "--timeout: say --connect-timeout, --idle-timeout or --deadline"},
      {{"connect", "--timeout=3", "a", "80"}, "--timeout: say --connect-timeout"},
      {{"listen", "--timeout", "3", "80"}, "--timeout: say --accept-timeout"},
      {{"connect", "--ssl", "a", "443"}, "--ssl: sockx does not speak TLS yet"},
      {{"listen", "--tls", "443"}, "--tls: sockx does not speak TLS yet"},
      {{"--ssl", "a", "443"}, "--ssl: sockx does not speak TLS yet"},
      {{"connect", "-x", "proxy:3128", "a", "80"}, "-x: sockx does not go through proxies yet"},
      {{"connect", "--proxy", "proxy:3128", "a", "80"}, "--proxy: sockx does not go through proxies yet"},
      {{"connect", "--proxy=proxy:3128", "a", "80"}, "--proxy: sockx does not go through proxies yet"},
  });
}

TEST_CASE("hints: a subcommand by another name, or none") {
  check_hints({
      {{"send", "file", "a", "80"}, "'send': no such subcommand; say `sockx send-file FILE HOST PORT`"},
      {{"recv", "80"}, "'recv': no such subcommand; say `sockx recv-file -o FILE PORT`"},
      {{"receive", "80"}, "say `sockx recv-file -o FILE PORT`"},
      {{"scan", "a", "1-99"}, "say `sockx connect --scan HOST PORTS`"},
      {{"example.com", "80"}, "'example.com': no such subcommand; say `sockx connect example.com 80`"},
      {{"localhost", "http"}, "say `sockx connect localhost http`"},
      {{"-v", "example.com", "80"}, "say `sockx connect example.com 80`"},
      {{"192.0.2.7:80"}, "say `sockx connect 192.0.2.7:80`"},
      {{"[::1]:80"}, "say `sockx connect [::1]:80`"},
      {{"5678"}, "say `sockx listen 5678`"},
      {{"lisen", "80"}, "did you mean listen?"},
      {{"frobnicate"}, "there are listen, connect"},
  });
}

TEST_CASE("--help and sockx(1) say what is not there yet") {
  const auto not_yet = std::string("TLS, proxies, joining any two sockets, and being called nc.");
  CHECK(contains(run(sockx({"--help"})), "Not there yet: " + not_yet));
  const auto page = read_file(source_folder() + "/man/sockx.1");
  for (const auto* word : {"TLS", "proxies", "two sockets", "Nm nc"})
    CHECK_MESSAGE(contains(page.substr(page.find(".Sh CAVEATS")), word), word);
}

TEST_CASE("hints: --exec without the dashes before the program") {
  check_hints({
      {{"connect", "--exec", "cat", "a", "80"}, "come last, behind `--`: `--exec -- cat`"},
      {{"listen", "80", "--exec", "cat", "-n"}, "behind `--`: `--exec -- "},
      {{"listen", "--exec", "80"}, "behind `--`: `--exec -- PROGRAM ARG...`"},
      {{"listen", "80", "--exec"}, "behind `--`: `--exec -- PROGRAM ARG...`"},
  });
}

}  // namespace

}  // namespace test
