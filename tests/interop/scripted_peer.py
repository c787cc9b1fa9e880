"""A peer that makes exactly the socket calls that it is told to, in that order.

    scripted_peer.py STEPS connect|listen HOST PORT
    scripted_peer.py STEPS connect|listen PATH

STEPS are joined by commas. What is sent comes from standard input, what is received goes to standard output:

    both       both directions at once, each to its end, as a netcat should
    send       everything, to the end of the input        send=N      so many bytes
    recv       everything, to the end of the connection   recv=N      so many bytes
    end        shutdown(SHUT_WR): the peer hears our end
    hear-end   wait until the peer's end has come, and read nothing
    reset      close by a reset; without it the connection is closed at the end
"""
import os
import select
import socket
import struct
import sys
import threading

PIECE = 1 << 16


def sources(size):
    """Standard input in pieces, `size` bytes of it."""
    while size and (piece := os.read(0, min(size, PIECE))):
        yield piece
        size -= len(piece)


def send(connection, size=sys.maxsize):
    for piece in sources(size):
        connection.sendall(piece)


def receive(connection, size=sys.maxsize):
    while size and (piece := connection.recv(min(size, PIECE))):
        size -= len(piece)
        while piece:
            piece = piece[os.write(1, piece):]


def end(connection):
    connection.shutdown(socket.SHUT_WR)


def both(connection):
    receiving = threading.Thread(target=receive, args=[connection])
    receiving.start()
    send(connection)
    end(connection)
    receiving.join()


def hear_end(connection):
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    poll.poll()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


STEPS = {'both': both, 'send': send, 'recv': receive, 'end': end, 'hear-end': hear_end, 'reset': reset}


def connection_of(role, place):
    family = socket.AF_UNIX if len(place) == 1 else socket.AF_INET6 if ':' in place[0] else socket.AF_INET
    address = place[0] if len(place) == 1 else (place[0], int(place[1]))
    first = socket.socket(family)
    if role == 'connect':
        first.connect(address)
        return first
    first.bind(address)
    first.listen()
    with first:
        return first.accept()[0]


def main():
    connection = connection_of(sys.argv[2], sys.argv[3:])
    for step in sys.argv[1].split(','):
        name, *size = step.split('=')
        STEPS[name](connection, *map(int, size))
    connection.close()


if __name__ == '__main__':
    main()
