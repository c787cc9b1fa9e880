"""activated.py FDNAMES FD... -- PROGRAM ARG...: runs the program as a service manager does: the descriptors become 3, 4,
and so on, and LISTEN_PID, LISTEN_FDS and, unless FDNAMES is empty, LISTEN_FDNAMES tell of them."""
import os
import sys

split = sys.argv.index("--")
names, fds, program = sys.argv[1], [int(word) for word in sys.argv[2:split]], sys.argv[split + 1:]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]  # out of the way of 3, 4, ...
for fd in set(fds):
    os.close(fd)
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execvp(program[0], program)
