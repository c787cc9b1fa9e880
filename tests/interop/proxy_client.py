"""A client of a proxy, with Python's own words: sends standard input to the target and prints as many bytes of answer.

    proxy_client.py [--user USER:PASSWORD] [--ca FILE] socks4a|socks5|http PROXY_PORT HOST PORT

http is http.client's tunnel; with --ca there is TLS with the target inside. The others are bytes on a socket.
"""
import argparse
import base64
import http.client
import socket
import ssl
import struct
import sys
import threading


def exactly(connection, size):
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            sys.exit('the connection has ended early')
        data += part
    return bytes(data)


def expect(got, expected):
    if got != expected:
        sys.exit(f'{got!r} instead of {expected!r}')


def socks4a(connection, options):
    connection.sendall(struct.pack('!BBHI', 4, 1, options.port, 1) + b'\0' + options.host.encode() + b'\0')
    expect(exactly(connection, 8)[:2], b'\0\x5a')


def socks5(connection, options):
    if options.user:
        name, _, password = options.user.partition(':')
        connection.sendall(b'\5\1\2')
        expect(exactly(connection, 2), b'\5\2')
        connection.sendall(bytes([1, len(name)]) + name.encode() + bytes([len(password)]) + password.encode())
        expect(exactly(connection, 2), b'\1\0')
    else:
        connection.sendall(b'\5\2\0\1')
        expect(exactly(connection, 2), b'\5\0')
    host = options.host.encode()
    connection.sendall(b'\5\1\0\3' + bytes([len(host)]) + host + struct.pack('!H', options.port))
    reply = exactly(connection, 4)
    expect(reply[:3], b'\5\0\0')
    exactly(connection, {1: 6, 4: 18}[reply[3]])


def tunnel(options):
    headers = {}
    if options.user:
        headers['Proxy-Authorization'] = 'Basic ' + base64.b64encode(options.user.encode()).decode()
    client = http.client.HTTPConnection('127.0.0.1', options.proxy, timeout=60)
    client.set_tunnel(options.host, options.port, headers)
    client.connect()
    return client.sock


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--user')
    parser.add_argument('--ca')
    parser.add_argument('kind', choices=('socks4a', 'socks5', 'http'))
    parser.add_argument('proxy', type=int)
    parser.add_argument('host')
    parser.add_argument('port', type=int)
    options = parser.parse_args()
    if options.kind == 'http':
        connection = tunnel(options)
    else:
        connection = socket.create_connection(('127.0.0.1', options.proxy), timeout=60)
        {'socks4a': socks4a, 'socks5': socks5}[options.kind](connection, options)
    content = sys.stdin.buffer.read()
    if options.ca:
#One piece at a time : a TLS object of Python's is not for two threads.
        connection = ssl.create_default_context(cafile=options.ca).wrap_socket(connection, server_hostname=options.host)
        for begin in range(0, len(content), 65536):
            piece = content[begin:begin + 65536]
            connection.sendall(piece)
            sys.stdout.buffer.write(exactly(connection, len(piece)))
        return
    sending = threading.Thread(target=connection.sendall, args=(content,))
    sending.start()
    sys.stdout.buffer.write(exactly(connection, len(content)))
    sending.join()


main()
