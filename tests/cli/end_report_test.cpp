#include "cli/end_report.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/files.hpp"

using namespace sockx;

namespace {

/// A context that logs everything to a file as well.
struct Scene {
  std::string log_text() const { return test::read_file(path); }

  const test::Folder folder;
  const std::string path = folder / "log";
  Report report{Report::Options()};
  Log log{{LogLevel::debug, false, path}, report};
  Context context{report, log};
  std::vector<bool> told;
  EndReport::Tell tell = [this](bool complete) { told.push_back(complete); };
};

}  // namespace

TEST_CASE("end report: work that is done is told as complete, and once") {
  Scene scene;
  {
    EndReport report(scene.context, scene.tell);
    CHECK(scene.told.empty());
    report.complete();
    CHECK(scene.told == std::vector{true});
  }
  CHECK(scene.told == std::vector{true});
}

TEST_CASE("end report: work that fails is told as incomplete") {
  Scene scene;
  const auto fail = [&scene] {
    const EndReport report(scene.context, scene.tell);
    throw std::runtime_error("failed");
  };
  CHECK_THROWS_WITH(fail(), "failed");
  CHECK(scene.told == std::vector{false});
}

TEST_CASE("end report: that completion cannot be told is a failure of its own") {
  Scene scene;
  const auto complete = [&scene] {
    EndReport report(scene.context, [&scene](bool is_complete) {
      scene.tell(is_complete);
      throw std::runtime_error("cannot be said");
    });
    report.complete();
  };
  CHECK_THROWS_WITH(complete(), "cannot be said");
  CHECK(scene.told == std::vector{true});
}

TEST_CASE("end report: that a failure cannot be told is a detail and no second failure") {
  Scene scene;
  const auto fail = [&scene] {
    const EndReport report(scene.context, [](bool) { throw std::runtime_error("cannot be said"); });
    throw std::runtime_error("failed");
  };
  CHECK_THROWS_WITH(fail(), "failed");
  CHECK(scene.log_text().find("cannot be said") != std::string::npos);
}
