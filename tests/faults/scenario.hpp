// Scenario: two programs and what passes between them, run again and again with another fault each time.
#pragma once

#include <string>
#include <vector>

#include "fault_table.hpp"

namespace test {

/// Where a program has its input from, or leaves its output.
enum class Place {
  nothing,  // /dev/null
  file,     // as a standard stream
  pipe,     // as a standard stream
  named,    // a file that the words name
  counted,  // of the output, nowhere: the file is one of --events, and must tell of all bytes
};

/// One of the two programs. Its words may contain
///   ENDPOINT  what it listens on or connects to
///   PORT      the port of that
///   PORTFILE  a file in which the faulty program tells the port that it listens on
///   INPUT     the named file that it sends
///   OUTPUT    the named file that it is to make
///   TEE       a file that is written beside the stream; it must be like what the peer sent
///   TEE-OUT   the same, which must be like what it sent itself
struct Program {
  std::vector<std::string> words;
  Place in = Place::nothing, out = Place::nothing;
};

struct Scenario {
  /// How the two meet.
  enum class Meeting {
    tcp_inherited,   // the listener has its socket from the test (fd:N)
    unix_inherited,  // the same over a unix socket
    tcp_port_file,   // the faulty program listens by itself, on TCP port 0
    unix_path,       // the same on a unix socket
    records,         // as unix_inherited, with a socket that keeps records apart
  };
  std::string name;
  Program faulty, healthy;
  bool faulty_listens = false;
  Meeting meeting = Meeting::tcp_inherited;

  std::string sent = {};      // by the faulty program
  std::string received = {};  // by it
  std::string arrives = {};   // at the healthy one; by default what was sent
  std::string answers = {};   // of the healthy one, before what is received: those of a proxy
  /// A file transfer over TCP: whoever ends with 0 says that all has arrived.
  bool tells_parts = false;
  /// Over TLS: whoever ends with 0 says that it has received everything.
  bool tells_received_parts = false;
  std::vector<std::string> environment = {};  // of both
  /// A thread that asks for a name may outlive the question, and with it what it has open.
  bool asks_for_names = false;
  /// In place of the table's rows with the same key and fault; with neither status nor signal they are left
  /// out.
  std::vector<FaultRow> exceptions = {};
};

/// Meets every fault of the table at the first, second, third... call of its kind, until there are no more,
/// and checks each time that
///  - bytes that arrive are a beginning of what was sent;
///  - status 0 comes only with the whole, and with the whole when the fault is harmless; another is the
///    right one, with one line on standard error that names the reason;
///  - no part of a file bears its name, and no temporary file stays;
///  - no descriptor and no child process is left, and nobody hangs or dies of a defect;
///  - the healthy program ends too, and does not take a part for the whole where it can know.
/// Over TLS it meets them at calls 1, 2, 4, 8 and so on; under AddressSanitizer it makes the selection of
/// injection.hpp.
void meet_every_fault(const Scenario& scenario);

}  // namespace test
