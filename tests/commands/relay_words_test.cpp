// What is no end of a relay: each such word gets one line that quotes it and says what would be right.
#include "../support/sockx.hpp"

namespace test {

namespace {

struct WrongWord {
  std::string word, said;
};

/// As A and as B: what is wrong does not depend on the place.
const std::vector<WrongWord> wrong_anywhere{
    {"", "the endpoint is missing: say HOST:PORT"},
    {"80", "the host is missing: say HOST:80, or listen:80 to wait for a client"},
    {"localhost", "the port is missing: say localhost:PORT"},
    {":80", "the host is empty: say HOST:PORT"},
    {"localhost:", "the port is empty: say HOST:PORT"},
    {"localhost:no-service", "a port is a number from 0 to 65535 or a service name"},
    {"localhost:99999", "'99999': a port is a number from 0 to 65535"},
    {"localhost:-1", "'-1': no such service for TCP"},
    {"localhost:0", "say 1 to 65535"},
    {"a:80:90", "one host and one port: say a:80"},
    {"http://a:80/x", "without the rest of a URL: say a:80"},
    {"https://a", "say a:https"},
    {"tcp://a:80", "say a:80"},
    {"192.0.2.1/24:80", "say 192.0.2.1:80"},
    {"::1:80", "written in brackets: [::1]:80"},
    {"[::1", "written [ADDRESS]:PORT"},
    {"[::1]", "written [ADDRESS]:PORT"},
    {"[::1]80", "written [ADDRESS]:PORT"},
    {"[]:80", "written [ADDRESS]:PORT"},
    {"*:80", "say the host to connect to"},
    {"host:80,", "',': this end has no options"},
    {"host:80,x", "',x': this end has no options: leave it out"},
    {"host:80,ca=x", "',ca=x': this end has no options"},
    {"unix", "say unix:PATH"},
    {"unix:", "say unix:/PATH or unix:@NAME"},
    {"unix:@", "say unix:/PATH or unix:@NAME"},
    {"/run/s", "say what it is: unix:/run/s or file:/run/s"},
    {"./s", "say what it is: unix:./s or file:./s"},
    {"vsock", "say vsock:CID:PORT"},
    {"vsock:", "vsock:CID:PORT, like vsock:2:1234"},
    {"vsock:1", "vsock:CID:PORT, like vsock:2:1234"},
    {"vsock:x:1", "vsock:CID:PORT, like vsock:2:1234"},
    {"vsock:1:x", "vsock:CID:PORT, like vsock:2:1234"},
    {"fd", "say fd:N"},
    {"fd:", "fd:N, like fd:3"},
    {"fd:x", "fd:N, like fd:3"},
    {"fd:-1", "fd:N, like fd:3"},
    {"tls", "say tls:ENDPOINT"},
    {"tls:", "the endpoint is missing: say tls:HOST:PORT"},
    {"tls:443", "the host is missing: say tls:HOST:443"},
    {"tls:host", "the port is missing: say tls:host:PORT"},
    {"tls:host:", "the port is empty"},
    {"tls:host:0", "say 1 to 65535"},
    {"tls:unix:/x", "say name"},
    {"tls:tls:host:443", "tls: is followed by an endpoint: say tls:HOST:PORT"},
    {"tls:-", "tls: is followed by an endpoint"},
    {"tls:sh:x", "'sh:x': tls: is followed by an endpoint"},
    {"tls:listen:443", "say listen:tls:443"},
    {"tls:TCP:host:443", "'TCP:host:443': tls: is followed by an endpoint"},
    {"tls:host:443,", "',': there is no such option here; there are ca, pin"},
    {"tls:host:443,alpn", "say ,alpn=VALUE"},
    {"tls:host:443,insecure", "say ,insecure=yes"},
    {"tls:host:443,tls-ca=x", "say ,ca=VALUE"},
    {"tls:host:443,CA=x", "',CA=x': there is no such option here; there are ca"},
    {"tls:host:443,foo=1", "',foo=1': there is no such option here"},
    {"tls:host:443,mode=600", "',mode=600': there is no such option here"},
    {"tls:host:443,client-ca=x", "',client-ca=x': there is no such option here"},
    {"tls:host:443,insecure=maybe", "insecure='maybe': say yes or no"},
    {"tls:host:443,insecure=", "insecure='': say yes or no"},
    {"tls:host:443,min=1.1", "min='1.1': say 1.2 or 1.3"},
    {"tls:host:443,eof=x", "eof='x': say strict or lenient"},
    {"tls:host:443,pin=x", "pin='x': a pin is sha256//"},
    {"tls:host:443,ca=a,ca=b", "ca is given more than once"},
    {"tls:host:443,key=k", "key: a key is of no use without its certificate; say cert"},
    {"listen", "say listen:ENDPOINT"},
    {"listen:", "the endpoint is missing: say listen:PORT"},
    {"listen:no-service", "a port is a number from 0 to 65535 or a service name"},
    {"listen:99999", "'99999': a port is a number"},
    {"listen:a:b:c", "written in brackets"},
    {"listen:unix:", "say unix:/PATH or unix:@NAME"},
    {"listen:fd:x", "fd:N, like fd:3"},
    {"listen:-", "'-': listen: is followed by an endpoint: say listen:PORT"},
    {"listen:sh:x", "'sh:x': listen: is followed by an endpoint"},
    {"listen:listen:80", "'listen:80': listen: is followed by an endpoint"},
    {"listen:TCP:80", "'TCP:80': listen: is followed by an endpoint"},
    {"listen:80,fork", "',fork': there is no such option here; there are mode, owner, backlog"},
    {"listen:80,cert=x", "',cert=x': there is no such option here"},
    {"listen:80,mode=600", "leave them out"},
    {"listen:80,owner=root", "leave them out"},
    {"listen:80,backlog=x", "backlog='x': say a number"},
    {"listen:80,backlog", "say ,backlog=VALUE"},
    {"listen:80,backlog=5,backlog=6", "backlog is given more than once"},
    {"listen:unix:/x,mode=rw", "mode='rw': a mode is octal digits"},
    {"listen:unix:/x,owner=no-such-user", "owner='no-such-user': no such user"},
    {"listen:tls:", "say listen:tls:PORT"},
    {"listen:tls:443,ca=x", "to verify the clients say client-ca"},
    {"listen:tls:443,name=x", "name: it is for the side that connects"},
    {"listen:tls:443,min=2", "min='2': say 1.2 or 1.3"},
    {"sh", "say sh:COMMAND"},
    {"sh:", "the command is missing: say sh:COMMAND"},
    {"exec", "the program is missing: say it after the ends"},
    {"exec:ls", "say sh:ls"},
    {"exec ls", "say exec, and the program after the ends: `-- ls`"},
    {"file", "say file:PATH"},
    {"file:", "the path is missing: say file:PATH"},
    {"append", "say append:PATH"},
    {"append:", "the path is missing: say append:PATH"},
};

const std::vector<WrongWord> of_socat{
    {"TCP:host:80", "say host:80"},
    {"TCP4:host:80", "say host:80"},
    {"tcp:host:80", "say host:80"},
    {"TCP:80", "say HOST:80"},
    {"TCP-LISTEN:80", "say listen:80"},
    {"TCP-LISTEN:80,fork,reuseaddr", "say listen:80, and --keep-open"},
    {"UDP:host:53", "use `sockx udp host:53`"},
    {"UDP-LISTEN:53,fork", "use `sockx udp --listen 53`"},
    {"UNIX-CONNECT:/s", "say unix:/s"},
    {"UNIX-LISTEN:/s,fork", "say listen:unix:/s, and --keep-open"},
    {"ABSTRACT-CONNECT:s", "say unix:@s"},
    {"VSOCK-CONNECT:2:80", "say vsock:2:80"},
    {"VSOCK-LISTEN:80", "say listen:vsock:any:80"},
    {"EXEC:ls", "say sh:ls"},
    {"EXEC:bash,pty,stderr", "say pty+sh:bash"},
    {"SYSTEM:date", "say sh:date"},
    {"SHELL:date", "say sh:date"},
    {"STDIO", "say -"},
    {"STDIN", "say -"},
    {"FILE:/x", "say file:/x"},
    {"OPEN:/x", "say file:/x"},
    {"CREATE:/x", "say file:/x"},
    {"FD:3", "say fd:3"},
    {"PTY,link=/x,raw", "say pty:/x"},
    {"OPENSSL:h:443,verify=0", "say tls:h:443,insecure=yes"},
    {"OPENSSL:h:443,cafile=c.pem", "say tls:h:443,ca=c.pem"},
    {"OPENSSL-LISTEN:443,cert=c.pem,fork", "say listen:tls:443,cert=c.pem, and --keep-open"},
    {"SOCKS4A:p:h:80", "say the end HOST:PORT, and the proxy by --proxy"},
    {"TUN", "sockx relay has no such end"},
};

void check_refused(const std::vector<std::string>& ends, const std::string& word, const std::string& said) {
  Process relay(sockx({"relay"}) + ends);
  check_failure(relay, 2, said);
  CHECK_MESSAGE(contains(relay.err(), "'" + word + "'"), relay.err());
  CHECK(relay.out().empty());
}

TEST_CASE("relay: a hundred words that are no end get one line that quotes them and says what is right") {
  CHECK(wrong_anywhere.size() + of_socat.size() > 100);
  for (const auto& wrong : wrong_anywhere) {
    check_refused({wrong.word, "-"}, wrong.word, wrong.said);
    if (!is_sanitized()) check_refused({"-", wrong.word}, wrong.word, wrong.said);
  }
}

TEST_CASE("relay: the addresses of socat are answered with what sockx says") {
  for (const auto& wrong : of_socat) check_refused({wrong.word, "file:/dev/null"}, wrong.word, wrong.said);
  check_refused({"-", "OPEN:/x,append"}, "OPEN:/x,append", "say append:/x");
}

TEST_CASE("relay: ends and options that do not go together are usage errors") {
  const auto refused = [](const std::vector<std::string>& words, const std::string& said) {
    Process relay(sockx({"relay"}) + words);
    check_failure(relay, 2, said);
  };
  refused({}, "A B is required");
  refused({"a:1"}, "'a:1': say two ends, A and B, like - HOST:PORT");
  refused({"a:1", "b:2", "c:3"}, "'c:3': one word too many");
  refused({"-", "-"}, "'- -': both ends are the standard streams");
  refused({"exec", "exec", "--", "cat"}, "'exec exec': there is one program after `--`");
  refused({"append:x", "-"}, "'append:x': it is only written: say it as the second end");
  refused({"-k", "-", "a:1"}, "'-': to serve many clients A listens: say listen:ENDPOINT");
  refused({"-k", "a:1", "-"}, "'a:1': to serve many clients A listens");
  refused({"-k", "listen:80", "-"}, "use `sockx listen --keep-open`");
  refused({"-k", "listen:80", "listen:81"}, "'listen:81': with --keep-open only A listens");
  refused({"-k", "listen:80", "file:x"}, "say append:x");
  refused({"--max-conns", "3", "listen:80", "a:1"}, "--max-conns is for --keep-open");
  refused({"--drain-timeout", "1s", "listen:80", "a:1"}, "--drain-timeout is for --keep-open");
  refused({"--allow", "192.0.2.1", "-", "a:1"}, "'-': --allow and --deny are for the clients of A");
  refused({"--accept-timeout", "1s", "-", "a:1"}, "--accept-timeout: neither end listens");
  refused({"--port-file", "f", "-", "a:1"}, "--port-file: neither end listens");
  refused({"--rate", "0", "-", "a:1"}, "--rate: '0'");
  refused({"--until", "local", "-", "a:1"}, "--until: 'local': say both, a, b or either");
  refused({"--hexdump", "f", "-", "a:1"}, "to dump into a file say --hexdump=FILE");
  refused({"-l", "80", "a:1"}, "-l: say the end listen:PORT");
  refused({"--exec", "ls", "-", "a:1"}, "--exec: say the end exec");
  refused({"--sh", "ls", "-", "a:1"}, "--sh: say the end sh:COMMAND");
  refused({"--tls", "-", "a:1"}, "--tls: say the end tls:ENDPOINT");
  refused({"--tee-in", "x", "-", "a:1"}, "--tee-in: say --tee-b");
}

}  // namespace

}  // namespace test
