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
      {{"-l", "80"}, "-l: use `sockx listen 80`"},
      {{"listen", "-p", "80"}, "-p: the port is a word of its own: `sockx listen PORT`"},
      {{"udp", "-l", "53"}, "-l: say --listen: `sockx udp --listen PORT`"},
      {{"udp", "-u", "a", "53"}, "-u: leave it out"},
      {{"connect", "-p", "4000", "a", "80"}, "-p: to send from port N say --source :N"},
      {{"connect", "-z", "a", "80"}, "-z: use `sockx connect --check HOST PORT`"},
      {{"connect", "-s", "192.0.2.1", "a", "80"}, "-s: use --source ADDRESS"},
      {{"connect", "-C", "a", "80"}, "-C: use --crlf"},
      {{"connect", "-q", "1", "a", "80"},
       "-q: leave it out, or use --eof-timeout DURATION, which ends with status 5"},
      {{"listen", "-w", "3", "80"}, "-w: use --accept-timeout, or --idle-timeout for silence"},
      {{"-vz", "a", "80"}, "-vz: use `sockx connect -v --check a 80`"},
      {{"-zvn", "a", "80"}, "-zvn: use `sockx connect -vn --check a 80`"},
      {{"-lvnp", "80"}, "-lvnp: use `sockx listen -vn 80`"},
      {{"-lk", "80"}, "-lk: use `sockx listen -k 80`"},
      {{"-lu", "53"}, "-lu: use `sockx udp --listen 53`"},
      {{"-nvu", "a", "53"}, "-nvu: use `sockx udp -nv a 53`"},
      {{"-lp80"}, "-lp80: use `sockx listen 80`"},
      {{"listen", "-lvnp", "80"}, "use `sockx listen"},
      {{"connect", "-vz", "a", "80"}, "use `sockx connect"},
      {{"udp", "-lvp", "53"}, "`sockx udp"},
  });
}

TEST_CASE("hints: nc's letters without a subcommand become a whole command line") {
  check_hints({
      {{"-4", "a", "80"}, "-4: use `sockx connect -4 a 80`"},
      {{"-nv", "a", "80"}, "-nv: use `sockx connect -nv a 80`"},
      {{"-nvw1", "a", "80"}, "-nvw1: use `sockx connect -nv -w 1 a 80`"},
      {{"-vw", "2", "a", "80"}, "-vw: use `sockx connect -v -w 2 a 80`"},
      {{"-w", "a", "80"}, "-w: say a subcommand: `sockx connect -w DURATION HOST PORT`"},
      {{"-vn", "4444"}, "-vn: use `sockx listen -vn 4444`"},
      {{"-k", "-l", "80"}, "-k: use `sockx listen -k 80`"},
      {{"-l", "--broker", "80"}, "-l: use `sockx listen --broker 80`"},
      {{"-l", "-p", "80", "-e", "/bin/cat"}, "-l: use `sockx listen 80 --exec -- /bin/cat`"},
      {{"-lp", "80", "-c", "cat -n"}, "-lp: use `sockx listen --sh 'cat -n' 80`"},
      {{"-L", "-p", "80"}, "-L: use `sockx listen -k 80`"},
      {{"-l", "-m", "5", "80"}, "-l: use `sockx listen -k --max-conns 5 80`"},
      {{"-lU", "/tmp/s"}, "-lU: use `sockx listen unix:/tmp/s`"},
      {{"-Ul", "/tmp/s"}, "-Ul: use `sockx listen unix:/tmp/s`"},
      {{"-C", "a", "80"}, "-C: use `sockx connect --crlf a 80`"},
      {{"-d", "a", "80"}, "-d: use `sockx connect --recv-only a 80`"},
      {{"-o", "f", "a", "80"}, "-o: use `sockx connect --hexdump=f a 80`"},
      {{"-i", "1", "a", "80"}, "-i: use `sockx connect --line-delay 1 a 80`"},
      {{"-s", "10.0.0.1", "-p", "40", "a", "80"}, "-s: use `sockx connect --source 10.0.0.1:40 a 80`"},
      {{"-zvn", "a", "1-100"}, "-zvn: use `sockx connect -vn --scan a 1-100`"},
      {{"-z", "a", "80", "443"}, "-z: use `sockx connect --scan a 80,443`"},
      {{"-zu", "a", "53"}, "-zu: UDP ports cannot be checked"},
      {{"udp", "-z", "a", "53"}, "-z: UDP ports cannot be checked"},
      {{"udp", "-w", "3", "a", "53"}, "-w: use --reply-timeout"},
      {{"udp", "-c", "cat", "a", "53"}, "-c: use --listen with --sh COMMAND"},
      {{"udp", "-e", "cat", "a", "53"}, "-e: use --listen with --exec"},
      {{"-lu", "-p", "53", "-e", "cat"}, "-lu: use `sockx udp --listen 53 --exec -- cat`"},
      {{"-lu", "-c", "cat -n", "53"}, "-lu: use `sockx udp --listen --sh 'cat -n' 53`"},
  });
}

TEST_CASE("hints: an option without its subcommand") {
  check_hints({
      {{"--crlf", "a", "80"}, "--crlf: it belongs after a subcommand: `sockx connect --crlf a 80`"},
      {{"--crlf", "80"}, "`sockx listen --crlf 80`"},
      {{"--listen", "80"}, "`sockx listen 80`"},
      {{"--keep-open", "80"}, "`sockx listen --keep-open 80`"},
      {{"--chat", "80"}, "`sockx listen --chat 80`"},
      {{"--broker", "80"}, "`sockx listen --broker 80`"},
      {{"--check", "a", "80"}, "`sockx connect --check a 80`"},
      {{"--check", "a", "1-100"}, "`sockx connect --scan a 1-100`"},
      {{"--scan", "a", "80"}, "`sockx connect --scan a 80`"},
      {{"--hexdump=f", "a", "80"},
       "--hexdump: it belongs after a subcommand: `sockx connect --hexdump=f a 80`"},
      {{"--udp", "a", "53"}, "`sockx udp a 53`"},
      {{"--allow", "10.0.0.0/8", "80"}, "`sockx listen --allow 10.0.0.0/8 80`"},
      {{"--verified", "f", "a:80"}, "--verified: it is an option of send-file, and belongs after it"},
  });
}

/// The command in the first pair of backquotes, as it is.
std::string hinted_command(const std::string& said) {
  const auto begin = said.find('`');
  return begin == std::string::npos ? "" : said.substr(begin + 1, said.find('`', begin + 1) - begin - 1);
}

TEST_CASE("hints: what a hint names is understood when it is typed") {
  const std::string nowhere = "127.0.0.1 1";
  for (const std::string typed :
       {"-4",      "-n",      "-nv",    "-nvw1",        "-C",          "-d",          "-N",
        "-q 1",    "-i 1",    "-o f",   "-s 127.0.0.1", "-z",          "-zvn",        "-u",
        "--crlf",  "--check", "--scan", "--hexdump",    "--send-only", "--udp",       "-e /bin/true",
        "-c true", "-l -k",   "-lv",    "-l --chat",    "-l --broker", "--keep-open", "--allow 127.0.0.1",
        "-lm 3",   "-lu"}) {
    Process refused({"/bin/sh", "-c", sockx_binary() + " " + typed + " " + nowhere});
    CHECK(refused.wait().status == 2);
    const auto hinted = hinted_command(refused.err());
    REQUIRE_MESSAGE(hinted.starts_with("sockx "), typed, ": ", hinted);
    // An option that is not there comes last: nothing before it has been refused.
    const auto with_fault = hinted.substr(0, hinted.find(" --exec")) + " --no-such-option";
    Process process({"/bin/sh", "-c", sockx_binary() + with_fault.substr(5)});
    check_failure(process, 2, "'--no-such-option': no such option");
  }
}

TEST_CASE("hints: an option before the subcommand that has it") {
  check_hints({
      {{"-w", "3", "connect", "a", "80"},
       "-w: it is an option of connect, and belongs after it: `sockx connect -w"},
      {{"-k", "listen", "80"}, "-k: it is an option of listen"},
      {{"--deadline", "3", "connect", "a", "80"}, "--deadline: it is an option of connect"},
      {{"-w3", "connect", "a", "80"},
       "-w: it is an option of connect, and belongs after it: `sockx connect -w3 ...`"},
      {{"--no-such-option", "connect", "a", "80"}, "'--no-such-option': no such option"},
  });
}

TEST_CASE("hints: options of other tools") {
  check_hints({
      {{"connect", "--timeout", "3", "a", "80"},
       "--timeout: say --connect-timeout, --idle-timeout or --deadline"},
      {{"connect", "--timeout=3", "a", "80"}, "--timeout: say --connect-timeout"},
      {{"listen", "--timeout", "3", "80"}, "--timeout: say --accept-timeout"},
      {{"connect", "--ssl", "a", "443"}, "--ssl: say `sockx connect --tls HOST PORT`"},
      {{"listen", "--ssl", "443"}, "--ssl: say `sockx listen --tls PORT`"},
      {{"send-file", "--ssl", "f", "a", "443"}, "--ssl: say `sockx send-file --tls FILE HOST PORT`"},
      {{"recv-file", "--ssl", "443"}, "--ssl: say `sockx recv-file --tls -o FILE PORT`"},
      {{"connect", "--sh-exec", "cat", "a", "80"}, "--sh-exec: use --sh COMMAND"},
      {{"connect", "--bind", "192.0.2.1", "a", "80"}, "--bind: use --source ADDRESS"},
      {{"connect", "--sctp", "a", "80"}, "--sctp: sockx does not speak SCTP"},
      {{"connect", "-x", "f", "a", "80"}, "for a hexdump, as with ncat -x FILE, say --hexdump=FILE"},
      {{"--ssl", "a", "443"}, "--ssl: say `sockx connect --tls HOST PORT`"},
      {{"connect", "-x", "proxy:3128", "a", "80"}, "-x: say --proxy socks5h://HOST:PORT"},
      {{"send-file", "-X", "connect", "f", "a", "80"}, "-X: say --proxy socks5h://HOST:PORT"},
      {{"connect", "--proxy-type", "http", "a", "80"}, "--proxy-type: say --proxy socks5h://HOST:PORT"},
      {{"connect", "--proxy", "proxy:3128", "a", "80"}, "--proxy: 'proxy:3128': say the kind of proxy too"},
  });
}

TEST_CASE("hints: a subcommand by another name, or none") {
  check_hints({
      {{"send", "file", "a", "80"}, "'send': no such subcommand; say `sockx send-file file a 80`"},
      {{"recv", "80"}, "'recv': no such subcommand; say `sockx recv-file -o FILE 80`"},
      {{"receive", "80"}, "say `sockx recv-file -o FILE 80`"},
      {{"scan", "a", "1-99"}, "say `sockx connect --scan a 1-99`"},
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

TEST_CASE("hints: subcommands and addresses of other tools") {
  check_hints({
      {{"server", "80"}, "'server': no such subcommand; say `sockx listen -k 80`"},
      {{"chat", "80"}, "say `sockx listen --chat 80`"},
      {{"chat"}, "say `sockx listen --chat PORT`"},
      {{"echo", "80"}, "say `sockx listen -k --handler echo 80`"},
      {{"bind", "80"}, "say `sockx listen 80`"},
      {{"forward", "80"}, "say `sockx listen --keep-open --forward HOST:PORT PORT`"},
      {{"TCP-LISTEN:80,fork", "TCP:a:81"}, "say `sockx relay -k listen:80 a:81`"},
      {{"UNIX-LISTEN:/s", "OPENSSL:a:443"}, "say `sockx relay listen:unix:/s tls:a:443`"},
      {{"unix:/tmp/s"}, "say `sockx connect unix:/tmp/s`"},
      {{"TCP-LISTEN:80,fork", "EXEC:cat"}, "say `sockx listen -k 80 --exec -- cat`"},
      {{"-", "TCP:a:80"}, "say `sockx connect a:80`"},
      {{"UDP-LISTEN:53"}, "say `sockx udp --listen 53`"},
      {{"UNIX-CONNECT:/tmp/s", "-"}, "say `sockx connect unix:/tmp/s`"},
      {{"OPENSSL:a:443"}, "say `sockx connect --tls HOST PORT`"},
      {{"connect", "UNIX-CONNECT:/tmp/x"},
       "'UNIX-CONNECT:/tmp/x': a Unix socket is written unix:PATH: say unix:/tmp/x"},
      {{"connect", "UNIX:s"}, "say unix:s"},
      {{"connect", "OPENSSL:a:1"}, "'OPENSSL:a:1': the endpoint is a:1; say --tls"},
      {{"listen", "udp:80"}, "'udp:80': that is UDP; say sockx udp --listen 80"},
      {{"listen", "tcp:80"}, "'tcp:80': an endpoint is one host and one port: say 80"},
      {{"connect", "--check", "a", "1-100"},
       "'1-100': a port is one number; only a scan takes several; say sockx connect --scan"},
      {{"connect", "--check", "a", "80", "443"},
       "'443': one word too many; say `sockx connect --scan a 80,443`"},
      {{"recv-file", "OUT", "a", "80"}, "say `sockx recv-file -o OUT a 80`"},
  });
}

TEST_CASE("hints: an option by its beginning, by one of its parts, or by its spelling") {
  check_hints({
      {{"send-file", "--verify", "f", "a:80"}, "'--verify': no such option; did you mean --verified?"},
      {{"connect", "--wait", "3", "a", "80"}, "did you mean --wait-for?"},
      {{"connect", "--pin", "x", "a", "80"}, "did you mean --tls-pin?"},
      {{"connect", "--idle", "3", "a", "80"}, "did you mean --idle-timeout?"},
      {{"connect", "--verbos", "a", "80"}, "did you mean --verbose?"},
      {{"connect", "--chek", "a", "80"}, "did you mean --check?"},
      {{"recv-file", "--rate", "5", "80"}, "'--rate': no such option; see `sockx recv-file --help`"},
      {{"sockopt", "--port"}, "'--port': no such option; see `sockx sockopt --help`"},
      {{"connect", "--bogus", "a", "80"}, "'--bogus': no such option; see `sockx connect --help`"},
      {{"--bogus"}, "'--bogus': no such option; see `sockx --help`"},
  });
}

TEST_CASE("hints: long options of other tools that sockx calls otherwise") {
  check_hints({
      {{"connect", "--nodelay", "a", "80"}, "--nodelay: say --opt nodelay=on"},
      {{"connect", "--limit", "5", "a", "80"}, "--limit: say --rate"},
      {{"connect", "--udp", "a", "80"}, "--udp: use `sockx udp HOST PORT`"},
      {{"listen", "--udp", "80"}, "--udp: use `sockx udp --listen PORT`"},
      {{"connect", "--port", "80", "a"}, "--port: leave it out: say HOST PORT"},
      {{"connect", "--output", "f", "a", "80"}, "add `> FILE`, or say --tee-in FILE"},
      {{"connect", "--proxy-user", "bob", "a", "80"}, "--proxy-user: say --proxy-auth USER:PASSWORD"},
      {{"listen", "--handler=proxy", "--proxy-user", "bob", "80"},
       "--proxy-user: a proxy server has its users in a file: say --proxy-auth-file FILE"},
      {{"listen", "--handler", "proxy", "--proxy-auth", "bob:secret", "80"},
       "--proxy-auth: a proxy server has its users in a file: say --proxy-auth-file FILE"},
      {{"connect", "--proxy-auth", "bob:secret", "a", "80"}, "--proxy-auth requires --proxy"},
  });
}

TEST_CASE("hints: a value of an option that takes none") {
  check_hints({
      {{"connect", "--tls=yes-please", "a", "80"}, "'--tls=yes-please': --tls takes no value: say --tls"},
      {{"connect", "--check=x", "a", "80"}, "'--check=x': --check takes no value: say --check"},
      {{"--json=x", "connect", "a", "80"}, "'--json=x': --json takes no value: say --json"},
      {{"listen", "-k=3", "80"}, "'-k=3': -k takes no value: say -k"},
      {{"connect", "-4=x", "a", "80"}, "'-4=x': -4 takes no value: say -4"},
      {{"listen", "--exec=sort -r", "80"}, "after `--`: `--exec -- sort -r`"},
      {{"listen", "--exec=cat", "80"}, "after `--`: `--exec -- cat`"},
  });
}

TEST_CASE("hints: words in another order, or two for one") {
  const Folder folder;
  const auto file = folder / "data";
  std::ofstream(file) << "bytes";
  check_hints({
      {{"send-file", "127.0.0.1", "80", file},
       "'" + file + "': the file comes first: say `sockx send-file " + file + " 127.0.0.1 80`"},
      {{"send-file", "127.0.0.1:80", file}, "the file comes first: say `sockx send-file " + file},
      {{"send-file", "--listen", "80", file}, "say `sockx send-file --listen " + file + " 80`"},
      {{"recv-file", "5678", "name"}, "'name': to receive into a file say -o name 5678"},
      {{"relay", "listen:0", "127.0.0.1", "80"},
       "'80': one word too many; an end is one word: say 127.0.0.1:80"},
      {{"relay", "listen:0", "::1", "80"}, "an end is one word: say [::1]:80"},
      {{"relay", "listen", "5678", "a:80"}, "an end is one word: say listen:5678"},
      {{"sockopt", "get", "--connect", "127.0.0.1", "80", "nodelay"},
       "--connect: '127.0.0.1 80': the endpoint is one word: say --connect 127.0.0.1:80"},
      {{"connect", "tls:a:443"}, "'tls:a:443': the endpoint is a:443; say --tls"},
      {{"listen", "tls:443"}, "'tls:443': the endpoint is 443; say --tls"},
  });
}

TEST_CASE("hints: serial lines and terminals as ends of a relay") {
  check_hints({
      {{"relay", "-", "serial:/dev/x"}, "'serial:/dev/x': say tty:/dev/x"},
      {{"relay", "-", "/dev/ttyS0"}, "'/dev/ttyS0': say tty:/dev/ttyS0"},
      {{"relay", "-", "/dev/ttyS0,b115200,raw"}, "say tty:/dev/ttyS0,speed=115200"},
      {{"relay", "-", "FILE:/dev/ttyS0,b9600,crtscts"}, "say tty:/dev/ttyS0,speed=9600,flow=rtscts"},
      {{"relay", "-", "tty:/dev/ttyS0,b115200"},
       "',b115200': there is no such option here: say tty:/dev/ttyS0,speed=115200"},
      {{"relay", "-", "tty:/dev/ttyS0,raw"},
       "',raw': there is no such option here; there are speed, mode, flow"},
      {{"relay", "-k", "listen:0", "pty:x"},
       "say pty; for one virtual serial line say `sockx relay pty:x listen:PORT`"},
  });
}

TEST_CASE("hints: explain knows nc only") {
  check_hints({
      {{"explain", "ncat", "-l", "80"},
       "'ncat': explain knows nc only; the same is perhaps `sockx listen 80`"},
      {{"explain", "ncat", "--ssl", "a", "80"},
       "'ncat': explain knows nc only; give the words of ncat to sockx"},
      {{"explain", "socat", "-", "TCP:a:80"},
       "'socat': explain knows nc only; the same is perhaps `sockx connect a:80`"},
      {{"explain", "curl"}, "'curl': explain knows nc only: say `sockx explain nc ARG...`"},
  });
}

TEST_CASE("hints: a device or a directory that is not there is refused at the start") {
  const Folder folder;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"relay", "listen:127.0.0.1:0", "tty:/dev/no-such-line"},
        std::vector<std::string>{"relay", "-k", "listen:127.0.0.1:0", "tty:/dev/no-such-line"}}) {
    Process process(sockx(words));
    check_failure(process, 8, "open /dev/no-such-line: No such file or directory");
  }
  Process process(
      sockx({"recv-file", "--verified", "--output-dir", folder.path() + "/new", "127.0.0.1", "0"}));
  check_failure(process, 11, "/new': create it first: No such file or directory");
}

TEST_CASE("hints: what is wrong is said rather than what is missing besides") {
  check_hints({
      {{"connect", "-V"}, "'-V': no such option"},
      {{"udp", "--listen"}, "[HOST] PORT is required"},
      {{"udp"}, "HOST PORT is required"},
      {{"connect", "--hexdump", "f", "a", "80"}, "to dump into a file say --hexdump=FILE"},
  });
}

TEST_CASE("hints: --exec without the dashes before the program") {
  check_hints({
      {{"connect", "--exec", "cat", "a", "80"}, "come last, after `--`: `--exec -- cat`"},
      {{"listen", "80", "--exec", "cat", "-n"}, "after `--`: `--exec -- "},
      {{"listen", "--exec", "cat -n", "--", "80"}, "after `--`: `--exec -- cat -n`"},
      {{"listen", "--exec", "80"}, "after `--`: `--exec -- PROGRAM ARG...`"},
      {{"listen", "80", "--exec"}, "after `--`: `--exec -- PROGRAM ARG...`"},
  });
}

}  // namespace

}  // namespace test
