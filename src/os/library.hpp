// Library: a shared library that is opened only when something asks for what it does.
#pragma once

#include <string>

namespace sockx {

/// Linked, a library would be loaded at every start; opened by dlopen(3), only by who needs it. It stays open
/// for good.
class Library {
 public:
  /// `purpose` is for the message: "SHA-256"; `package`, if it is given, is the Debian package that has the
  /// file. Throws std::runtime_error when it is not there.
  Library(const char* file, const char* purpose, const char* package = nullptr);

  /// Throws std::runtime_error when the library has no such function.
  template <class Function>
  void find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(address_of(name));
  }

 private:
  void* address_of(const char* name) const;
  std::string file_;
  void* handle_;
};

}  // namespace sockx
