"""A peer that speaks TLS and makes exactly the calls that it is told to, in that order.

    tls_peer.py [--version 1.2] [--ca FILE] [--cert FILE --key FILE] [--records N [--then STEP]]
                STEPS connect|listen HOST PORT

With --records it sends so many records, and then takes STEP in place of STEPS: wait, fin or reset. STEPS are those of
scripted_peer.py, joined by commas; here

    end        close_notify, and then shutdown(SHUT_WR)
    fin        shutdown(SHUT_WR) alone
    alert      a record that cannot be decrypted, which the peer answers with an alert
    wait       until the connection has ended, whatever comes

It ends with status 3 when the peer's end comes without close_notify.
"""
import argparse
import os
import socket
import ssl
import struct
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # the tests run Python isolated (-I)
from scripted_peer import PIECE, receive, send  # noqa: E402  (they take what has sendall() and recv())


class Secured:
    """Reading and writing at the same time, each in a thread of its own."""

    def __init__(self, connection, context, is_server, host, most_records, then):
        self.connection, self.most_records, self.then = connection, most_records, then
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, is_server, None if is_server else host)
        self.lock, self.sending = threading.Lock(), threading.Lock()
        self.arrived, self.has_ended = bytearray(), False
        while not self.step(self.tls.do_handshake):
            self.put(self.outgoing.read())
            self.take()
        self.put(self.outgoing.read())

    @staticmethod
    def step(call):
        try:
            call()
            return True
        except ssl.SSLWantReadError:
            return False

    def put(self, records):
        while self.most_records is not None and records:
            if self.most_records == 0:
                STEPS[self.then](self)
                if self.then != 'reset':
                    self.wait()
                sys.exit(0)
            size = 5 + struct.unpack('!H', records[3:5])[0]
            self.connection.sendall(records[:size])
            records, self.most_records = records[size:], self.most_records - 1
        self.connection.sendall(records)

    def take(self):
        piece = self.connection.recv(PIECE)
        if not piece:
            sys.stderr.write('tls_peer.py: the end came without close_notify\n')
            sys.stderr.flush()
            os._exit(3)
        self.incoming.write(piece)

    def decrypt(self):
        """Everything that has come, so that nothing is in the way of our own end."""
        while True:
            try:
                piece = self.tls.read(PIECE)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLZeroReturnError:
                piece = b''
            if not piece:
                self.has_ended = True
                return
            self.arrived += piece

    def recv(self, size):
        while True:
            with self.lock:
                if not self.arrived and not self.has_ended:
                    self.decrypt()
                if self.arrived or self.has_ended:
                    piece = bytes(self.arrived[:size])
                    del self.arrived[:size]
                    return piece
            piece = self.connection.recv(PIECE)
            with self.lock:
                if not piece:
                    self.take()
                self.incoming.write(piece)

    def encrypt(self, call):
        with self.sending:
            with self.lock:
                call()
                records = self.outgoing.read()
            self.put(records)

    def sendall(self, piece):
        self.encrypt(lambda: self.tls.write(piece))

    def end(self):
        def close():
            self.decrypt()
            self.step(self.tls.unwrap)

        self.encrypt(close)
        self.fin()

    def fin(self):
        self.connection.shutdown(socket.SHUT_WR)

    def wait(self):
        try:
            while self.connection.recv(PIECE):
                pass
        except ConnectionError:
            pass


def alert(secured):
    secured.connection.sendall(b'\x17\x03\x03\x00\x20' + bytes(32))


def reset(secured):
    secured.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    secured.connection.close()


def both(secured):
    receiving = threading.Thread(target=receive, args=[secured])
    receiving.start()
    send(secured)
    secured.end()
    receiving.join()


STEPS = {'both': both, 'send': send, 'recv': receive, 'end': Secured.end, 'fin': Secured.fin, 'wait': Secured.wait,
         'alert': alert, 'reset': reset}

parser = argparse.ArgumentParser()
for option in '--version', '--ca', '--cert', '--key':
    parser.add_argument(option)
parser.add_argument('--records', type=int)
parser.add_argument('--then', default='wait')
for place in 'steps', 'role', 'host', 'port':
    parser.add_argument(place)
options = parser.parse_args()

is_server = options.role == 'listen'
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
if options.ca:
    context.load_verify_locations(options.ca)
    context.verify_mode = ssl.CERT_REQUIRED
if options.cert:
    context.load_cert_chain(options.cert, options.key)
if options.version == '1.2':
    context.maximum_version = ssl.TLSVersion.TLSv1_2

address = options.host, int(options.port)
if is_server:
    with socket.create_server(address) as listener:
        connection = listener.accept()[0]
else:
    connection = socket.create_connection(address)
secured = Secured(connection, context, is_server, options.host, options.records, options.then)
for step in options.steps.split(','):
    name, *size = step.split('=')
    STEPS[name](secured, *map(int, size))
connection.close()
