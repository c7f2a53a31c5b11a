// The table of options: every row is whole, and hashes and refusals follow from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "kirchhoff/base/error.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {
namespace {

constexpr std::array kProblems = {kExact, kMonteCarlo, kWalkDrawn, kWalkRows, kWalkTable, kNetwork};

std::vector<std::string> refused_by(Problem problem, Family family = Family::lattice) {
  std::vector<std::string> names;
  for (const auto& option : option_table()) {
    if (!option.useless({problem, family}).empty()) names.push_back(option.name);
  }
  return names;
}

ResolvedOptions with(const std::string& name, const std::string& value) {
  ResolvedOptions options;
  for (const auto& option : option_table()) {
    options.add(option, option.name == name ? value : option.fallback.of(kExact));
  }
  return options;
}

TEST(OptionTable, NamesEveryOptionOnceAndEachServesSomeProblem) {
  std::set<std::string> names;
  for (const auto& option : option_table()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_FALSE(option.unit.empty()) << option.name;
    bool serves = false;
    for (const auto problem : kProblems) {
      for (const auto& row : families()) {
        serves = serves || option.useless({problem, row.family}).empty();
      }
    }
    EXPECT_TRUE(serves) << option.name;
    for (const auto& [problems, value] : option.fallback.special) {
      EXPECT_NE(problems & option.problems, 0U) << option.name << ": a default for whom it does not serve";
    }
  }
}

TEST(OptionTable, UnderstandsTheWordsOfBefore) {
  EXPECT_EQ(find_option("solve_method")->in_words_of_now("parity"), "even_layers");
  EXPECT_EQ(find_option("solve_method")->in_words_of_now("krylov"), "krylov");
  EXPECT_EQ(find_option("bench_methods")->in_words_of_now("direct,parity"), "direct,even_layers");
  EXPECT_EQ(find_option("source_name")->in_words_of_now("parity"), "parity");
}

TEST(OptionTable, RefusesWhatASupervisionDoesNotUse) {
  using testing::IsSupersetOf;
  EXPECT_THAT(refused_by(kWalkRows), IsSupersetOf({"solve_method", "solve_tolerance", "solve_currents", "model_head",
                                                   "model_likelihood", "train_samples", "train_jitter", "train_clip",
                                                   "train_balance", "bench_repeats", "circuit_resistance_spread"}));
  EXPECT_THAT(refused_by(kExact), IsSupersetOf({"train_samples", "train_jitter", "train_references", "train_row_decay",
                                                "train_dropout", "train_patience", "model_evidence", "model_likelihood",
                                                "sample_leap", "sample_paths", "target_test_rows", "network_values"}));
  EXPECT_THAT(refused_by(kMonteCarlo), IsSupersetOf({"train_balance", "train_dropout", "model_head"}));
  EXPECT_THAT(refused_by(kNetwork),
              IsSupersetOf({"space_categories", "circuit_layers", "train_steps", "sample_count"}));
  EXPECT_THAT(refused_by(kExact, Family::dense),
              IsSupersetOf({"circuit_boundary", "circuit_neighbours", "circuit_file", "circuit_resistance_spread"}));
  EXPECT_THAT(refused_by(kExact, Family::file), IsSupersetOf({"circuit_resistance_same", "circuit_resistance_change"}));
  EXPECT_EQ(find_option("train_clip")->useless({kWalkDrawn, Family::hamming}), "walk supervision does not use it");
}

TEST(ResolvedOptions, ChangeADigestByExactlyWhatTheTableSays) {
  for (const auto& option : option_table()) {
    if (!option.of_case()) continue;
    const auto changed = with(option.name, "77");
    const auto usual = with("", "");
    for (const unsigned change : {kCircuit, kLaw, kContent, kTraining, kSamples}) {
      EXPECT_EQ(changed.digest(change) != usual.digest(change), (option.changes & change) != 0) << option.name;
    }
  }
}

TEST(ResolvedOptions, TakeANumberForTheSameHoweverItIsWritten) {
  EXPECT_EQ(with("circuit_resistance_same", "1e3").digest(kCircuit),
            with("circuit_resistance_same", "1000.0").digest(kCircuit));
  EXPECT_EQ(with("circuit_resistance_same", "2, 2,2.0").digest(kCircuit),
            with("circuit_resistance_same", "2").digest(kCircuit));
  EXPECT_NE(with("circuit_resistance_same", "2,3").digest(kCircuit),
            with("circuit_resistance_same", "2").digest(kCircuit));
  EXPECT_NE(with("train_learning_rate", "1e-3").digest(kTraining),
            with("train_learning_rate", "1.0000000000000002e-3").digest(kTraining));
}

TEST(ResolvedOptions, SayInWhatAnotherProblemDiffers) {
  const auto here = with("circuit_layers", "20");
  EXPECT_EQ(here.differences(with("", "").yaml()), "circuit_layers is 10 there and 20 here");
  EXPECT_EQ(here.differences(with("circuit_layers", "20").yaml()), "");
  EXPECT_EQ(here.differences("no: [yaml"), "");
}

TEST(ResolvedOptions, AreACaseThatCanBeReadAgain) {
  auto options = with("source_name", "it's");
  options.set("model_hidden", "8,4");
  for (const auto& entry : parse_case(options.yaml(), "stored")) {
    EXPECT_TRUE(entry.name != "source_name" || entry.value == "it's") << entry.value;
    EXPECT_TRUE(entry.name != "model_hidden" || entry.value == "8,4") << entry.value;
  }
  EXPECT_THAT(options.yaml(), testing::HasSubstr("name: 'it''s'"));
  EXPECT_THAT(options.yaml(), testing::HasSubstr("hidden: [8, 4]"));
}

TEST(ResolvedOptions, LeaveTheNetworkAloneWhereOnlySamplesDiffer) {
  for (const auto* option : {"sample_seed", "sample_count"}) {
    const auto other = with(option, "77");
    const auto usual = with("", "");
    for (const unsigned change : {kCircuit, kLaw, kTraining}) EXPECT_EQ(other.digest(change), usual.digest(change));
    EXPECT_NE(other.digest(kSamples), usual.digest(kSamples)) << option;
  }
}

TEST(ParseCase, TakesWhatStandsBelowAMapAsOneValue) {
  const auto entries = parse_case(
      "target:\n  file: t.csv\n  schema:\n    'a b': {type: ordinal, order: [low, 'mid, \"x\"', 3]}\n    c: {use: "
      "no}\n",
      "x.yaml");

  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].name, "target_schema");
  EXPECT_EQ(entries[1].line, 3);
  const std::string json = R"({"a b":{"type":"ordinal","order":["low","mid, \"x\"","3"]},"c":{"use":"no"}})";
  EXPECT_EQ(entries[1].value, json);
  // As it is stored, and as it is typed.
  EXPECT_EQ(parse_case("target: {schema: " + json + "}", "x.yaml")[0].value, json);
  EXPECT_EQ(nested_json("{'a b': {type: ordinal, order: [low, 'mid, \"x\"', 3]}, c: {use: no}}", "x"), json);
  EXPECT_THAT([] { nested_json("{a: {b: 1}, a: 2}", "x"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("key 'a' stands twice")));
  EXPECT_THAT([] { nested_json("[a]", "x"); }, testing::ThrowsMessage<Error>(testing::HasSubstr("a map is needed")));
}

TEST(Options, RefuseEveryKeyWithoutItsValue) {
  for (const auto& option : option_table()) {
    if (!option.of_case()) continue;
    EXPECT_THAT(
        [&] {
          Options({{option.name, "", 3, true}}, "x.yaml");
        },
        testing::ThrowsMessage<Error>("x.yaml:3: " + option.name + " is without its value [" + option.unit + "]"));
  }
  const auto entries = parse_case("train:\nseed: ~\nsource: {name: '', file: null}\ntarget:\n  name:\n", "x.yaml");
  std::vector<std::string> without;
  for (const auto& entry : entries) {
    if (entry.null) without.push_back(entry.name);
  }
  EXPECT_THAT(without, testing::ElementsAre("train", "seed", "source_file", "target_name"));
}

TEST(Options, RefuseAKeyThatTheCaseDoesNotUseAndNotWhatItWroteItself) {
  // The database keeps what a case has put into it.
  const Options stored({{"train_supervision", "walk", 3}, {"train_samples", "5", 4}}, "x.h5", Options::Source::stored);
  EXPECT_EQ(stored.setting().problem, kWalkDrawn);
  EXPECT_EQ(stored.integer("train_samples"), 0);  // as if it were not there
  EXPECT_EQ(stored.integer("train_batch"), 512);
  EXPECT_EQ(stored.text("source_name"), "uniform");
  EXPECT_THAT(stored.resolved().yaml(), testing::Not(testing::HasSubstr("samples")));
  EXPECT_THAT(
      [] {
        Options({{"train_supervision", "walk", 3}, {"train_clip", "1", 4}}, "x.yaml");
      },
      testing::ThrowsMessage<Error>("x.yaml:4: train_clip: walk supervision does not use it"));
}

}  // namespace
}  // namespace kirchhoff
