# What a row of rows/ can use; see examples.py. The examples are EXAMPLE1, EXAMPLE2, ...
set -e -o pipefail
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad # no second of waiting for new addresses
ip -batch "$PAGES/addresses"
cp "$PAGES/hosts" .hosts
mount --bind .hosts /etc/hosts

# run N...: the examples N, in one shell; what they print goes to the file shownN, N being the last. Its status is
# theirs.
run() {
  local examples='' example n
  for n; do
    example=EXAMPLE$n
    examples+=${!example}$'\n'
  done
  bash -c "$examples" >"shown$n" 2>&1
}

# change N FROM TO: runs the example N with other words, where the page's would need much time or data.
change() {
  local example=EXAMPLE$1
  [[ ${!example} == *"$2"* ]] || { echo "example $1 has no $2" && return 1; }
  export "$example=${!example/"$2"/"$3"}"
}

# ends STATUS COMMAND...: the command ends with this status.
ends() {
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  [ "$status" = "$wanted" ] || { echo "status $status, not $wanted: $*" && return 1; }
}

# What the example N has printed is what the page shows; "like": but for numbers.
same() { echo "same $1" >>.comparisons; }
like() { echo "like $1" >>.comparisons; }

# prints N TEXT: the example N has printed this, among other things.
prints() { grep -qF -e "$2" "shown$1" || { echo "example $1 did not print: $2" && return 1; }; }

# has FILE TEXT: the same for a file.
has() { grep -qF -e "$2" "$1" || { echo "$1 has no '$2', but: $(cat "$1")" && return 1; }; }

# until_so COMMAND...: waits until it succeeds.
until_so() { until "$@"; do sleep 0.02; done >/dev/null 2>&1; }

# up PORT|FILE...: waits until somebody listens there.
listens() {
  case $1 in
    */*) [ -S "$1" ] ;;
    *) grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") .* 0A " /proc/net/tcp /proc/net/tcp6 ;;
  esac
}
up() { for where; do until_so listens "$where"; done; }

# connected PORT: waits until a connection to this port is there.
connected() { until_so grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") [0-9A-F:]+ 01 " /proc/net/tcp /proc/net/tcp6; }

# udp_up PORT...: the same for datagrams.
receives() { grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") " /proc/net/udp /proc/net/udp6; }
udp_up() { for port; do until_so receives "$port"; done; }

# answers PORT TEXT: a server that says this to each client, and reads what clients say.
answers() {
  TEXT=$2 sockx --quiet listen --keep-open --sh 'printf "$TEXT"; cat >>heard' "$1" &
  up "$1"
}

# echoes PORT: a server that sends back what it gets.
echoes() {
  sockx --quiet listen --keep-open --handler echo "$1" &
  up "$1"
}

# http PORT TEXT: a web server that answers each request with this.
http() {
  TEXT=$2 sockx --quiet listen --keep-open --sh 'while read -r line && [ "${#line}" -gt 1 ]; do :; done
    printf "HTTP/1.0 200 OK\r\n\r\n%s\n" "$TEXT"' "$1" &
  up "$1"
}

# takes PORT FILE: a server that writes what one client says into the file.
takes() {
  sockx --quiet listen "$1" </dev/null >"$2" &
  up "$1"
}

# two_hosts: 192.0.2.7 is another host, on the network of eth1, from now on; `far COMMAND...` runs there.
two_hosts() {
  ip link delete eth1
  unshare --net sleep 1000 &
  far=$!
  until_so far_is_apart
  ip link add eth1 type veth peer name eth1 netns "$far"
  ip address delete 192.0.2.7/32 dev lo
  ip address delete 192.0.2.9/32 dev lo
  ip address delete 192.0.2.80/32 dev lo
  ip address add 192.0.2.9/24 dev eth1
  ip link set eth1 up
  far ip link set lo up
  far ip address add 192.0.2.7/24 dev eth1
  far ip address add 192.0.2.80/24 dev eth1
  far ip link set eth1 up
  until_so link_is_up
}
link_is_up() { ip -oneline link show eth1 | grep -q "state UP" && far ip -oneline link show eth1 | grep -q "state UP"; }
far_is_apart() { [ "$(readlink "/proc/$far/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
far() { nsenter --net="/proc/$far/ns/net" "$@"; }

# proxy PORT [OPTION...]: a proxy server.
proxy() {
  sockx --quiet listen --keep-open --handler proxy --allow 0.0.0.0/0 "${@:2}" 0.0.0.0 "$1" &
  up "$1"
}

# activated PORT COMMAND...: runs it as systemd does, with a listening socket as descriptor 3.
activated() {
  python3 - "$@" <<'END'
import os, socket, sys
listener = socket.create_server(("", int(sys.argv[1])))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
END
}

# inetd PORT COMMAND...: runs it as inetd does, with the connection as standard streams.
inetd() {
  python3 - "$@" <<'END'
import os, socket, sys
connection, _ = socket.create_server(("", int(sys.argv[1]))).accept()
os.dup2(connection.fileno(), 0)
os.dup2(connection.fileno(), 1)
os.execvp(sys.argv[2], sys.argv[2:])
END
}

# certificate NAME: NAME.pem and NAME.key for the host NAME, signed by itself; both.pem has both.
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
    -addext "subjectAltName=DNS:$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
  cat "$1.pem" "$1.key" >both.pem
}

# deaf PORT: a server that does not take part: what is sent to the port gets no answer.
deaf() {
  python3 - "$1" <<'END' &
import signal, socket, sys
listener = socket.create_server(("", int(sys.argv[1])), backlog=0)
first = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
open("deaf", "w").close()
signal.pause()
END
  until_so [ -e deaf ]
}
