"""Compares what sockx says of names, addresses and numbers with what Python's socket module says.

    socket_oracle.py SOCKX SUBJECT      a subject is one of the functions below that are marked with @subject

Prints how many inputs were compared, and each difference; the status is 1 when there is one.
"""
import concurrent.futures
import itertools
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys

SOCKX = sys.argv[1]
SUBJECTS = {}
EAI = {getattr(socket, name): name for name in dir(socket) if name.startswith('EAI_')}
# h_errno for what Python finds out by getaddrinfo(3) before it calls gethostbyname(3)
H_ERRNO = {'EAI_NONAME': 'HOST_NOT_FOUND', 'EAI_AGAIN': 'TRY_AGAIN', 'EAI_NODATA': 'NO_DATA'}

compared = 0
differences = []


def subject(function):
    SUBJECTS[function.__name__] = function
    return function


def compare(what, ours, theirs):
    global compared
    compared += 1
    if ours != theirs:
        differences.append(f'{what}: sockx {ours!r}, Python {theirs!r}')


def sockx(*words, lines=None):
    """Runs it; returns its events of both streams, and its status."""
    given = None if lines is None else ''.join(line + '\n' for line in lines)
    done = subprocess.run([SOCKX, '--json', *words], input=given or '', capture_output=True, text=True, timeout=60)
    out, err = ([json.loads(line) for line in text.splitlines()] for text in (done.stdout, done.stderr))
    return out, err, done.returncode


def answers(*words, lines):
    """What each line came to: an event of success or of failure."""
    out, err, _ = sockx(*words, lines=lines)
    failed = {event['word']: event for event in err}
    succeeded = iter(out)
    result = [failed.get(line) or next(succeeded) for line in lines]
    assert next(succeeded, None) is None, 'more answers than lines'
    return result


def outcome(call, *arguments):
    """The value of a call, or None when it raises."""
    try:
        return call(*arguments)
    except (OSError, OverflowError, ValueError):
        return None


def number(word):
    """The value of a word as sockx promises to read it."""
    match = re.fullmatch(r'(-?[0-9]+)|0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)', word)
    if not match:
        return None
    bases = zip(match.groups(), (10, 16, 8, 2))
    return next(int(digits, base) for digits, base in bases if digits is not None)


@subject
def numbers():
    edges = [0, 1, 127, 128, 255, 256, 2**15, 2**16 - 2, 2**16 - 1, 2**16, 2**31, 2**32 - 1, 2**32, 2**63,
             2**64 - 1, 2**64, 2**65, -1, -2, -2**16, -2**64]
    values = edges + [random.getrandbits(bits) for bits in range(1, 70)]
    words = [form(value) for value in values for form in (str, hex, oct, bin)]
    words += ['x', 'one', '1.0', '1e3', '0x', '0b', '0b2', '0o9', '0xg', '00', '007', '1_000', '١', '+1', '--1', '1 2']
    exchanges = {'htons': ('H', socket.htons), 'ntohs': ('H', socket.ntohs), 'htonl': ('I', socket.htonl),
                 'ntohl': ('I', socket.ntohl)}
    for name in ('htonll', 'ntohll'):
        exchanges[name] = 'Q', lambda value: struct.unpack('=Q', struct.pack('>Q', value))[0]
    for name, (code, exchange) in exchanges.items():
        for word, event in zip(words, answers('byteorder', name, '-', lines=words)):
            value = number(word)
            # htons() of Python 3.11 takes what does not fit for some years yet
            fits = value is not None and 0 <= value < 2**(8 * struct.calcsize('=' + code))
            if not fits:
                compare(f'{name} {word}', event.get('status'), 2)
                continue
            result = exchange(value)
            compare(f'{name} {word}', (event['value'], event['result'], int(event['hex'], 16), event['bytes']),
                    (value, result, result, struct.pack('=' + code, result).hex()))


PARTS = ['0', '1', '7', '08', '010', '0x10', '0X7f', '255', '256', '65535', '65536', '16777215', '16777216',
         '4294967295', '4294967296', '0xffffffff', '0x', '', '-1', 'a', '00000377', '0400']
V6 = ['::', '::1', '1::', '1::8', '2001:db8::1', '2001:DB8::A', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7', '::8:7:6:5:4:3:2',
      '1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:8:9', '::ffff:1.2.3.4', '::1.2.3.4', '64:ff9b::192.0.2.33', '1.2.3.4::',
      '::ffff:1.2.3', '::ffff:1.2.3.256', '::ffff:01.2.3.4', '::00001', '::12345', '::g', ':::', ':', '1:', ':1', '',
      '1::2::3', '::1%lo', 'fe80::1%1', '[::1]', ' ::1', '::1 ', '::1/128', 'ffff:' * 7 + 'ffff', '0:0:0:0:0:0:0:0',
      '0:0:0:1:0:0:0:0', '1:0:0:2:0:0:0:3', '1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:7:1.2.3.4', '::1.2.3.4:5', '0x1::']


@subject
def addresses():
    loose = ['.'.join(parts) for size in range(1, 6) for parts in
             (random.choices(PARTS, k=size) for _ in range(120))]
    loose += ['127.0.0.1', '127.1', '1.2.3', '1.2.3.4.', '1.2.3.4.5', '.1.2.3', '1..2', '1.2.3.4 ', '1.2.3.4 x', ' 1.2.3.4',
              '1.2.3.4\t', '1.2.3.4\n', '1.2.3.4x', '255.255.255.255', '0xff.0xff.0xff.0xff', '0377.0377.0377.0377',
              '1.65536', '1.16777216', '1.2.65536', '٣.1.1.1']
    six = V6 + [':'.join(random.choices(['0', '1', 'ffff', 'abcd', '', '00a', '12345'], k=random.randint(2, 9)))
                for _ in range(200)]
    packed = [bytes(4), bytes(16), b'\x7f\0\0\1', bytes(15) + b'\1', bytes(10) + b'\xff\xff\1\2\3\4',
              bytes(12) + b'\1\2\3\4', bytes(12) + b'\0\0\0\1', b'', b'\1', bytes(3), bytes(5), bytes(15), bytes(17)]
    packed += [random.randbytes(4) for _ in range(100)]
    packed += [bytes(random.choice((0, 0, 0, 1, 0xab)) for _ in range(16)) for _ in range(200)]

    def compare_each(function, words, expected, *options):
        words = list(dict.fromkeys(words))
        out, err, _ = sockx('byteorder', *options, function, '--', *words)
        failed = {event['word']: event['status'] for event in err}
        succeeded = {event['value']: event['result'] for event in out}
        for word in words:
            what = ' '.join((function, *options, repr(word)))
            theirs = expected(word)
            if word == '' or theirs is None:
                compare(what, (failed.get(word), word in succeeded), (2, False))
            else:
                compare(what, succeeded.get(word), theirs)

    def as_hex(call, *arguments):
        result = outcome(call, *arguments)
        return None if result is None else result.hex()

    compare_each('inet-aton', loose, lambda word: as_hex(socket.inet_aton, word))
    for family, option in ((socket.AF_INET, 'inet'), (socket.AF_INET6, 'inet6')):
        compare_each('inet-pton', loose + six, lambda word: as_hex(socket.inet_pton, family, word), '--family', option)
        compare_each('inet-ntop', [value.hex() for value in packed],
                     lambda word: outcome(socket.inet_ntop, family, bytes.fromhex(word)), '--family', option)
    compare_each('inet-ntoa', [value.hex() for value in packed],
                 lambda word: outcome(socket.inet_ntoa, bytes.fromhex(word)))


def table(path):
    with open(path, encoding='utf-8') as file:
        rows = (line.split('#')[0].split() for line in file)
        return [row for row in rows if len(row) > 1]


@subject
def services():
    rows = [(*row[1].split('/'), [row[0], *row[2:]]) for row in table('/etc/services')]
    by_name = [(name, protocol) for _, protocol, names in rows for name in names]
    by_name += [(name, None) for name, _ in by_name] + [('nosuch', None), ('http', 'nosuch'), ('HTTP', 'tcp')]
    by_port = [(port, protocol) for port, protocol, _ in rows] + [(port, None) for port, _, _ in rows]
    by_port += [(str(port), protocol) for port in (0, 1, 65535, 80) for protocol in ('tcp', 'udp', 'nosuch', None)]

    def ask(questions, call, member):
        questions = list(dict.fromkeys(questions))
        lines = [word if protocol is None else f'{word}/{protocol}' for word, protocol in questions]
        for (word, protocol), event in zip(questions, answers('resolve', '--service', '-', lines=lines)):
            arguments = (word,) if protocol is None else (word, protocol)
            compare(f'{call.__name__} {arguments}', event.get(member), outcome(call, *arguments))
            if event['event'] == 'error':
                compare(f'{call.__name__} {arguments}', event['status'], 3)

    ask(by_name, socket.getservbyname, 'port')
    ask(by_port, lambda port, *protocol: socket.getservbyport(int(port), *protocol), 'name')


@subject
def protocols():
    rows = [(row[0], int(row[1]), row[2:]) for row in table('/etc/protocols')]
    names = list(dict.fromkeys(name for first, _, others in rows for name in (first, *others)))
    names = [name for name in names if not name.isdigit()] + ['nosuch', 'Tcp']
    for name, event in zip(names, answers('resolve', '--protocol', '-', lines=names)):
        compare(f'getprotobyname {name}', event.get('number'), outcome(socket.getprotobyname, name))
    numbered = {}
    for first, value, _ in rows:
        numbered.setdefault(value, first)
    lines = [str(value) for value in range(256)]
    for value, event in enumerate(answers('resolve', '--protocol', '-', lines=lines)):
        compare(f'getprotobynumber {value}', event.get('name'), numbered.get(value))


@subject
def getaddrinfo():
    hosts = [None, 'localhost', 'one.example', 'one', 'many.example', 'six', 'nosuch.example', '', '127.0.0.1', '127.1',
             '::1', 'fe80::1%lo', 'fe80::1%nosuch', '::ffff:192.0.2.1', '1.2.3.256', 'x' * 300]
    ports = [None, '80', 'http', 'domain', 'nosuch', '65536', '-1', '']
    families = ['AF_UNSPEC', 'AF_INET', 'AF_INET6', 'AF_UNIX']
    types = ['0', 'SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_SEQPACKET']
    kinds = ['0', 'IPPROTO_TCP', 'IPPROTO_UDP']
    flags = [[], ['AI_PASSIVE'], ['AI_CANONNAME'], ['AI_NUMERICHOST'], ['AI_NUMERICSERV'], ['AI_ADDRCONFIG'],
             ['AI_V4MAPPED'], ['AI_V4MAPPED', 'AI_ALL'], ['AI_CANONNAME', 'AI_NUMERICHOST'],
             ['AI_PASSIVE', 'AI_NUMERICSERV'], ['AI_PASSIVE', 'AI_CANONNAME']]
    grid = list(itertools.product(hosts, ports, families, types, kinds, flags))
    plain = list(itertools.product(hosts, ports[:4], families[:3], types[:1], kinds[:1], flags[:1]))
    mapped = list(itertools.product(hosts, ports[1:2], families[2:3], types[1:2], kinds[:1], flags))
    is_slow = 'SOCKX_SANITIZED_BUILD' in os.environ  # it takes long to start
    chosen = plain + mapped + random.sample(grid, 30 if is_slow else 300)

    def constant(name):
        return int(getattr(socket, name, 0)) if name != '0' else 0

    def ask(case):
        host, port, family, kind, protocol, names = case
        options = ['--family', family, '--socktype', kind, '--protocol', protocol]
        if names:
            options += ['--flags', ','.join(names)]
        out, err, status = sockx('getaddrinfo', *options, '--', '-' if host is None else host,
                                 '-' if port is None else port)
        if status != 0:
            return (status, err[0].get('error'))
        return [(row['family'], row['type'], row['protocol_number'], row['canonical_name'], row['host'], row['port'],
                 row.get('flowinfo'), row.get('scope_id')) for row in out if row['event'] == 'addrinfo']

    def expected(case):
        host, port, family, kind, protocol, names = case
        try:
            rows = socket.getaddrinfo(None if host is None else host.encode(), port, constant(family), constant(kind),
                                      constant(protocol), sum(constant(name) for name in names))
        except socket.gaierror as error:
            return (3, EAI[error.errno])
        return [(socket.AddressFamily(f).name, socket.SocketKind(t).name, p, c, a[0], a[1], *(a[2:] or (None, None)))
                for f, t, p, c, a in rows]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for case, ours in zip(chosen, pool.map(ask, chosen)):
            compare(f'getaddrinfo {case}', ours, expected(case))


@subject
def getnameinfo():
    hosts = ['127.0.0.1', '192.0.2.1', '192.0.2.2', '198.51.100.7', '203.0.113.9', '0.0.0.0', '::1', '2001:db8::2',
             '2001:db8::9', '2001:db8::77', 'fe80::1%lo', '::ffff:192.0.2.1', '::']
    ports = [None, 0, 53, 80, 514, 65000]
    names = ['NI_DGRAM', 'NI_NAMEREQD', 'NI_NOFQDN', 'NI_NUMERICHOST', 'NI_NUMERICSERV']
    scope = socket.if_nametoindex('lo')
    for size in range(len(names) + 1):
        for flags in itertools.combinations(names, size):
            grid = list(itertools.product(hosts, ports))
            lines = [host if port is None else (f'[{host}]:{port}' if ':' in host else f'{host}:{port}')
                     for host, port in grid]
            options = ['--flags', ','.join(flags)] if flags else []
            for (host, port), event in zip(grid, answers('resolve', '--names', *options, '-', lines=lines)):
                address = (host, port or 0)
                if '%' in host:
                    address = (host.split('%')[0], port or 0, 0, scope)
                try:
                    theirs = socket.getnameinfo(address, sum(getattr(socket, flag) for flag in flags))
                except socket.gaierror as error:
                    theirs = EAI[error.errno]
                ours = event['error'] if event['event'] == 'error' else (event['host'], event.get('service'))
                if port is None and isinstance(theirs, tuple):
                    theirs = (theirs[0], None)
                compare(f'getnameinfo {address} {flags}', ours, theirs)
    for flags in itertools.combinations(names, 2):  # which glibc and so Python do not have
        for event in answers('resolve', '--names', '--flags', ','.join(('NI_NUMERICHOST', 'NI_NUMERICSCOPE', *flags)),
                             '-', lines=['fe80::1%lo', '::1', '127.0.0.1']):
            if event['event'] != 'error':
                expected = f'fe80::1%{scope}' if event['host'].startswith('fe80') else event['word']
                compare(f'NI_NUMERICSCOPE {flags}', event['host'], expected)


@subject
def hosts():
    names, known = [], []
    for row in table('/etc/hosts'):
        known.append(row[0])
        names += row[1:]
    names = list(dict.fromkeys(names))
    names += [name.upper() for name in names] + [f'h{i}.unknown.example' for i in range(40)] + ['x' * 64, '-', 'a..b']
    known = list(dict.fromkeys(known)) + [f'203.0.113.{i}' for i in range(1, 40)] + ['2001:db8:ffff::1', '::', '0.0.0.0']

    def error_of(error):
        name = EAI.get(error.errno) if isinstance(error, socket.gaierror) else None
        return H_ERRNO.get(name, {1: 'HOST_NOT_FOUND', 2: 'TRY_AGAIN', 4: 'NO_DATA'}.get(error.errno))

    def triple(event):
        if event['event'] == 'error':
            return event['error']
        return event['name'], event['aliases'], event['addresses']

    for words, call in ((names, socket.gethostbyname_ex), (known, socket.gethostbyaddr)):
        for word, event in zip(words, answers('resolve', '--aliases', '-', lines=words)):
            try:
                theirs = call(word.encode())  # not as a domain name in other letters
            except OSError as error:
                theirs = error_of(error)
            compare(f'{call.__name__} {word}', triple(event), theirs)

    for family, option in ((0, []), (socket.AF_INET, ['-4']), (socket.AF_INET6, ['-6'])):
        for word, event in zip(names, answers('resolve', *option, '-', lines=names)):
            try:
                theirs = [row[4][0] for row in socket.getaddrinfo(word.encode(), None, family, socket.SOCK_STREAM)]
            except socket.gaierror as error:
                theirs = EAI[error.errno]
            compare(f'resolve {option} {word}', event.get('addresses') or event['error'], theirs)

    for word, event in zip(known, answers('resolve', '-', lines=known)):
        try:
            theirs = socket.getnameinfo((word, 0), socket.NI_NAMEREQD)[0]
        except socket.gaierror as error:
            theirs = EAI[error.errno]
        compare(f'reverse {word}', event.get('name') or event['error'], theirs)

    proper = [name for name in names if len(name) < 64 and '..' not in name]
    for word, event in zip(proper, answers('resolve', '--fqdn', '-', lines=proper)):
        compare(f'getfqdn {word}', event['fqdn'], socket.getfqdn(word))
    compare('gethostname', sockx('resolve', '--hostname')[0][0]['name'], socket.gethostname())


random.seed(1)
SUBJECTS[sys.argv[2]]()
print(f'{compared} compared')
print('\n'.join(differences[:20]))
sys.exit(1 if differences else 0)
