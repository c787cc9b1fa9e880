// The calls that the linker puts the injector around, by the names under which ld's --wrap leaves the real
// ones.
#pragma once

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct io_uring;
struct io_uring_params;

extern "C" {
ssize_t __real_read(int, void*, size_t);
ssize_t __real_write(int, const void*, size_t);
ssize_t __real_writev(int, const iovec*, int);
ssize_t __real_recv(int, void*, size_t, int);
ssize_t __real_send(int, const void*, size_t, int);
ssize_t __real_recvmsg(int, msghdr*, int);
ssize_t __real_sendmsg(int, const msghdr*, int);
int __real_recvmmsg(int, mmsghdr*, unsigned, int, timespec*);
int __real_sendmmsg(int, mmsghdr*, unsigned, int);
ssize_t __real_sendfile(int, int, off_t*, size_t);
ssize_t __real_splice(int, off64_t*, int, off64_t*, size_t, unsigned);
int __real_epoll_create1(int);
int __real_epoll_ctl(int, int, int, epoll_event*);
int __real_epoll_pwait2(int, epoll_event*, int, const timespec*, const sigset_t*);
int __real_eventfd(unsigned, int);
int __real_poll(pollfd*, nfds_t, int);
int __real_socket(int, int, int);
int __real_connect(int, const sockaddr*, socklen_t);
int __real_bind(int, const sockaddr*, socklen_t);
int __real_posix_openpt(int);
int __real_symlink(const char*, const char*);
int __real_flock(int, int);
int __real_listen(int, int);
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __real_shutdown(int, int);
int __real_setsockopt(int, int, int, const void*, socklen_t);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_ioctl(int, unsigned long, ...);
int __real_pipe2(int*, int);
int __real_open(const char*, int, ...);
int __real_close(int);
int __real_dup2(int, int);
int __real_fcntl(int, int, ...);
int __real_fstat(int, struct stat*);
int __real_fchmod(int, mode_t);
int __real_fsync(int);
int __real_ftruncate(int, off_t);
int __real_mkostemp(char*, int);
int __real_renameat2(int, const char*, int, const char*, unsigned);
int __real_memfd_create(const char*, unsigned);
void* __real_mmap(void*, size_t, int, int, int, off_t);
pid_t __real_fork();
pid_t __real_waitpid(pid_t, int*, int);
long __real_syscall(long, ...);
int __real_io_uring_queue_init_params(unsigned, io_uring*, io_uring_params*);
int __real_io_uring_submit(io_uring*);
int __real_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**);
int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
}
