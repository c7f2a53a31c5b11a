#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kirchhoff/io/report/report.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

std::vector<std::string> keys(const json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

/// A report of a whole run, its figures made up.
class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    report_.title = "moons";
    report_.command = "run moons.yaml";
    report_.options = "seed: 0\n";
    report_.circuit = &circuit_;
    report_.categories = report_.dimensions = 3;
    report_.family = "hamming";
    report_.layers = 2;
    report_.resistance_same = {1, 1};
    report_.resistance_change = {5, 7};
    report_.solve = SolveReport{};
    report_.solve->method = "cg + jacobi";
    report_.solve->unknowns = 27;
    report_.solve->relative_residual = 1.0 / 3;
    report_.solve->seconds_setup = 0.25;
    report_.solve->seconds_total = 0.75;
    report_.potential = field_;
    report_.learned_potential = learned_;
    report_.layer_currents = layer_currents(MPI_COMM_SELF, circuit_, field_);
    report_.train = TrainReport{};
    report_.train->supervision = "exact";
    report_.train->parameters = 99;
    report_.train->history = {{500, 1, 0.5, 0.25, 1e-3}, {1000, 2, 0.125, 0.0625, 1e-4}};
    report_.currents = compare_currents(MPI_COMM_SELF, circuit_, field_, learned_flow(circuit_, learned_));
    for (const std::string name : {"exact", "neural"}) {
      FlowReport flow;
      flow.name = name;
      flow.samples = SampleComparison{};
      flow.samples->count = 100;
      flow.samples->mmd = Mmd{2e-5, 1e-5, 0.0625};
      flow.samples->chi_square = {12.5, 9, 8, 0.125};
      flow.samples->tv = name == "exact" ? 0.125 : 0.25;
      flow.seconds = 0.5;
      flow.sample_histogram = circuit_.target();
      flow.law = {circuit_.target(), 0};
      flow.test = {-1.5, 10, 0, -1.5, Interval{-1.75, -1.25}};
      report_.flows.push_back(flow);
    }
  }
  json parsed() const { return json::parse(report_json(report_)); }

  Circuit circuit_ = oracles::uniform_circuit(Family::hamming, 3, 2, 2, 1, 5);
  std::vector<double> field_ = oracles::to_vector(oracles::potentials(circuit_));
  std::vector<double> learned_ = oracles::learned_like_field(circuit_, 95);
  Report report_;
};

using ReportJson = ReportTest;
using ReportHtml = ReportTest;

// INTERFACE.md, section 5: these stay; more may be added.
TEST_F(ReportJson, HasTheKeysOfTheContract) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> contract = {
      {"/solve",
       {"method", "reason", "unknowns", "edges", "iterations", "relative_residual", "residual_floor",
        "kcl_max_imbalance", "energy_relative_error", "effective_resistance", "components", "seconds",
        "peak_memory_bytes", "ranks", "blas"}},
      {"/solve/seconds", {"assemble", "setup", "solve", "write", "total"}},
      {"/train",
       {"supervision", "steps", "seconds", "samples_per_second", "final_loss", "parameters", "parameters_per_unknown",
        "distinct_training_rows"}},
      {"/currents",
       {"relative_l2", "relative_l2_by_layer", "sign_agreement", "sign_agreement_by_layer", "by_decade",
        "kcl_relative_imbalance", "kcl_imbalance_by_layer", "kcl_max_imbalance"}},
      {"/sampling", {"exact", "neural"}}};
  const std::vector<std::string> of_flow = {"count",
                                            "seconds",
                                            "walks_per_second",
                                            "mean_steps",
                                            "tv",
                                            "kl",
                                            "js",
                                            "tv_exit_law",
                                            "kl_exit_law",
                                            "exit_law_lost_mass",
                                            "noise_floor_tv",
                                            "noise_floor_tv_mean",
                                            "noise_floor_kl",
                                            "noise_floor_js",
                                            "tv_interval",
                                            "mean_steps_error",
                                            "chi_square",
                                            "chi_square_test_rows",
                                            "js_exit_law",
                                            "mmd_exit_law",
                                            "mmd_against",
                                            "mmd_null_deviation",
                                            "mmd_p_value",
                                            "log_likelihood_test_interval",
                                            "log_likelihood_covered_rows",
                                            "smoothing_chosen",
                                            "log_likelihood_test_smoothed",
                                            "mmd",
                                            "tv64",
                                            "off_support",
                                            "log_likelihood_test",
                                            "rows_of_zero_probability"};

  const auto found = parsed();

  EXPECT_THAT(keys(found), UnorderedElementsAre("solve", "train", "currents", "sampling"));
  for (const auto& [place, names] : contract) {
    EXPECT_THAT(keys(found[json::json_pointer(place)]), testing::IsSupersetOf(names)) << place;
  }
  for (const auto* flow : {"exact", "neural"}) {
    EXPECT_THAT(keys(found["sampling"][flow]), testing::IsSupersetOf(of_flow)) << flow;
  }
}

TEST_F(ReportJson, HasTheValuesToTheLastDigit) {
  const auto found = parsed();

  EXPECT_EQ(found["solve"]["method"], "cg + jacobi");
  EXPECT_EQ(found["solve"]["unknowns"], 27);
  EXPECT_EQ(found["solve"]["relative_residual"], 1.0 / 3);
  EXPECT_EQ(found["solve"]["seconds"]["setup"], 0.25);
  EXPECT_EQ(found["solve"]["seconds"]["total"], 0.75);
  EXPECT_EQ(found["train"]["parameters"], 99);
  EXPECT_EQ(found["currents"]["relative_l2_by_layer"].size(), 2u);
  EXPECT_EQ(found["currents"]["sign_agreement"], report_.currents->sign_agreement);
  EXPECT_EQ(found["sampling"]["exact"]["tv"], 0.125);
  EXPECT_EQ(found["sampling"]["neural"]["tv"], 0.25);
  EXPECT_EQ(found["sampling"]["exact"]["walks_per_second"], 200);
  EXPECT_EQ(found["sampling"]["exact"]["log_likelihood_test"], -1.5);
  EXPECT_EQ(found["sampling"]["exact"]["log_likelihood_test_interval"], json({-1.75, -1.25}));
  EXPECT_EQ(found["sampling"]["exact"]["mmd_p_value"], 0.0625);
  EXPECT_EQ(found["sampling"]["exact"]["chi_square"]["degrees"], 8);
  EXPECT_EQ(found["sampling"]["exact"]["chi_square"]["p_value"], 0.125);
  EXPECT_EQ(found["currents"]["by_decade"].size(), CurrentComparison::kDecades);
  EXPECT_EQ(found["currents"]["by_decade"][0]["edges"], report_.currents->by_decade[0].edges);
  EXPECT_EQ(found["sampling"]["exact"]["rows_of_zero_probability"], 0);
}

TEST_F(ReportJson, CountsMassThatIsLostAsHalfItsVariation) {
  auto& law = report_.flows[1].law;
  for (double& g : law.mass) g *= 0.75;
  law.lost = 0.25;

  const auto found = parsed()["sampling"]["neural"];

  EXPECT_NEAR(found["tv_exit_law"].get<double>(), 0.25, 1e-15);  // 1/2 (0.25 missing) + 1/2 (0.25 lost); rounding
  EXPECT_EQ(found["exit_law_lost_mass"], 0.25);
  EXPECT_NEAR(found["kl_exit_law"].get<double>(), std::log(4.0 / 3), 1e-14);  // not renormalised
}

TEST_F(ReportJson, WritesNullForWhatIsInfiniteAndCountsItsCause) {
  auto& flow = report_.flows[0];
  flow.samples->kl = std::numeric_limits<double>::infinity();
  flow.samples->outside_support = 3;
  flow.law.mass[0] += flow.law.mass[1];
  flow.law.mass[1] = 0;
  flow.test = {std::nullopt, 10, 4, -2.5, std::nullopt};
  flow.samples->chi_square.statistic = std::numeric_limits<double>::infinity();
  ASSERT_GT(circuit_.target()[1], 0);

  const auto found = parsed()["sampling"]["exact"];

  EXPECT_TRUE(found["kl"].is_null());
  EXPECT_EQ(found["samples_outside_support"], 3);
  EXPECT_TRUE(found["kl_exit_law"].is_null());
  EXPECT_EQ(found["exit_law_uncovered_states"], 1);
  EXPECT_TRUE(found["log_likelihood_test"].is_null());
  EXPECT_EQ(found["rows_of_zero_probability"], 4);
  EXPECT_EQ(found["log_likelihood_covered_rows"], -2.5);
  EXPECT_TRUE(found["chi_square"]["statistic"].is_null());
}

TEST_F(ReportJson, LeavesOutWhatWasNotDone) {
  report_.train.reset();
  report_.currents.reset();
  report_.flows.clear();

  EXPECT_THAT(keys(parsed()), UnorderedElementsAre("solve"));
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// The JSON that the page carries.
json data_of(const std::string& page) {
  const auto element = page.find("id=\"data\"");
  const auto begin = page.find('>', element) + 1;
  return json::parse(page.substr(begin, page.find("</script", begin) - begin));
}

TEST_F(ReportHtml, CarriesTheReportItself) {
  const auto data = data_of(report_html(report_));

  EXPECT_EQ(data["report"], parsed());
  EXPECT_EQ(data["title"], "moons");
  EXPECT_EQ(data["case"], "seed: 0\n");
  EXPECT_EQ(data["circuit"]["resistance_same"], 1);               // one value for all layers
  EXPECT_EQ(data["circuit"]["resistance_change"], json({5, 7}));  // a schedule
}

TEST_F(ReportHtml, CarriesItsFigures) {
  const auto figures = data_of(report_html(report_))["figures"];

  EXPECT_EQ(figures["rows"], 3);
  EXPECT_EQ(figures["columns"], 3);
  EXPECT_EQ(figures["source"].get<std::vector<double>>(), circuit_.source());
  EXPECT_EQ(figures["target"].get<std::vector<double>>(), circuit_.target());
  EXPECT_EQ(figures["layers"], json({0, 1, 2}));
  ASSERT_EQ(figures["potential"].size(), 3u);
  EXPECT_EQ(figures["potential"][1].get<std::vector<double>>(),
            std::vector<double>(field_.begin() + 9, field_.begin() + 18));
  EXPECT_EQ(figures["neural_potential"][2].get<std::vector<double>>(),
            std::vector<double>(learned_.begin() + 18, learned_.end()));
  EXPECT_EQ(figures["layer_current"]["backward"].get<std::vector<double>>(), report_.layer_currents->backward);
  EXPECT_EQ(figures["exit_neural"].get<std::vector<double>>(), circuit_.target());
  EXPECT_EQ(figures["samples_exact"].get<std::vector<double>>(), circuit_.target());
  EXPECT_EQ(figures["loss"]["validation"], json({0.25, 0.0625}));
}

TEST_F(ReportHtml, LoadsNothingFromAnywhere) {
  auto page = report_html(report_);
  const std::string name_of_svg = "http://www.w3.org/2000/svg";  // a name, which no browser visits
  for (auto at = page.find(name_of_svg); at != std::string::npos; at = page.find(name_of_svg)) {
    page.erase(at, name_of_svg.size());
  }

  for (const auto* loader : {"http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "import("}) {
    EXPECT_EQ(count_of(page, loader), 0u) << loader;
  }
  EXPECT_THAT(page, testing::StartsWith("<!doctype html>"));
  EXPECT_THAT(page, Not(HasSubstr("@DATA@")));
}

TEST_F(ReportHtml, IsNotBrokenByWhatItsTextsHold) {
  const auto harmless = report_html(report_);
  report_.title = "</script><script>alert(1)</script><!-- \xff";  // and a byte that is no UTF-8
  report_.options = "title: '<b>'\n";

  const auto page = report_html(report_);

  EXPECT_EQ(count_of(page, "</script"), count_of(harmless, "</script"));
  EXPECT_EQ(count_of(page, "<!--"), count_of(harmless, "<!--"));
  EXPECT_EQ(data_of(page)["case"], "title: '<b>'\n");
}

TEST_F(ReportHtml, ServesABareSolve) {
  Report bare;
  bare.circuit = &circuit_;
  bare.solve = report_.solve;

  const auto data = data_of(report_html(bare));

  EXPECT_THAT(keys(data["report"]), UnorderedElementsAre("solve"));
  EXPECT_FALSE(data["figures"].contains("potential"));
}

/// A report of walks where states cannot be counted, its figures made up.
Report walks_report() {
  Report report;
  report.title = "bits";
  report.categories = 2;
  report.dimensions = 5;
  report.family = "hamming";
  report.layers = 1;
  report.resistance_same = {1};
  report.resistance_change = {4};
  report.classes = ClassesReport{1e-17, 0.5};
  report.train = TrainReport{};
  report.train->entropy_floor = 0.75;
  report.train->history = {{250, 1, 1.5, 1.25, 1e-3}};
  report.walks = WalksReport{};
  report.walks->count = 3;
  report.walks->seconds = 0.5;
  report.walks->mean_steps = 2.5;
  report.walks->marginals = {{0.25, 0.75}, {0.5, 0.5}, {1, 0}, {0, 1}, {0.5, 0.5}};
  report.walks->target_marginals = report.walks->marginals;
  report.walks->gallery = {0, 1, 0, 1, 1, 1, 1, 1, 0, 0};
  report.walks->target_gallery = {1, 1, 0, 1, 1};
  return report;
}

TEST(ReportOfWalks, HasTheSameKeysAndItsOwn) {
  const auto found = json::parse(report_json(walks_report()));

  EXPECT_THAT(keys(found), UnorderedElementsAre("solve", "train", "sampling"));
  EXPECT_TRUE(found["solve"]["unknowns"].is_null());
  EXPECT_EQ(found["solve"]["kcl_leftover"], 1e-17);
  EXPECT_TRUE(found["train"]["parameters_per_unknown"].is_null());
  EXPECT_EQ(found["train"]["entropy_floor"], 0.75);
  EXPECT_EQ(found["sampling"]["neural"]["mean_steps"], 2.5);
  EXPECT_EQ(found["sampling"]["neural"]["walks_per_second"], 6);
  EXPECT_TRUE(found["sampling"]["neural"]["tv"].is_null());
}

TEST(ReportOfWalks, IsTheSamePageWithFiguresOfItsOwn) {
  auto report = walks_report();
  report.walks->picture.assign(kPlanarCells * kPlanarCells, 0.0);
  report.walks->picture[7] = 1;
  report.walks->target_picture = report.walks->picture;

  const auto data = data_of(report_html(report));

  EXPECT_EQ(data["space"], json({{"categories", 2}, {"dimensions", 5}}));
  EXPECT_EQ(data["circuit"]["resistance_change"], 4);
  const auto& figures = data["figures"];
  EXPECT_EQ(figures["plane"], true);
  EXPECT_EQ(figures["rows"], kPlanarCells);
  EXPECT_EQ(figures["samples_neural"][7], 1);
  EXPECT_EQ(figures["loss"]["validation"], json({1.25}));
  EXPECT_EQ(figures["marginals"]["neural"][0], json({0.25, 0.75}));
}

TEST(ReportOfWalks, HasImagesWhereTheCaseSaysSo) {
  auto report = walks_report();
  EXPECT_FALSE(data_of(report_html(report))["figures"].contains("gallery"));

  report.image = {5, 1};
  const auto gallery = data_of(report_html(report))["figures"]["gallery"];

  EXPECT_EQ(gallery["side_rows"], 5);
  EXPECT_EQ(gallery["side_columns"], 1);
  EXPECT_EQ(gallery["neural"], json({{0, 1, 0, 1, 1}, {1, 1, 1, 0, 0}}));
  EXPECT_EQ(gallery["target"].size(), 1u);
}

/// A report of a table of three columns, its figures made up.
Report table_report_of_three() {
  auto report = walks_report();
  report.table = TableReport{};
  auto& table = *report.table;
  table.against = "test rows";
  table.columns = {
      {"region", {"south", "north"}, false}, {"income", {"low", "mid", "high"}, true}, {"votes", {"no", "yes"}, false}};
  table.shares = {{0.5, 0.5}, {0.25, 0.25, 0.5}, {1, 0}};
  table.reference_shares = table.shares;
  auto& found = table.found;
  found.samples = 100;
  found.reference_rows = 50;
  found.training_rows = found.floor_rows = 80;
  found.marginals = {{0.03, 0.01, 0.02}, {0.02, 0.02, 0.02}};
  found.pair_columns = {0, 1, 2};
  found.pairs = {{0.05, 0.25, 0.03}, {0.04, 0.05, 0.06}};
  found.association = {0.5, 0.25, 0.75};
  found.association_reference = {0.5, 0.5, 0.5};
  found.nearest = {1.5, 1.5, 0.25, 0.125, 0.5};
  found.discriminator = {0.75, 0.0625, 50};
  found.tree_log_likelihood = -3.5;
  found.tree_pseudo_count = 3;
  return report;
}

TEST(ReportOfATable, HasItsKeys) {
  auto report = table_report_of_three();
  report.table->found.stray = {2, 1};
  report.walks->log_likelihood_test = -3.25;

  const auto table = json::parse(report_json(report))["table"];

  EXPECT_EQ(table["columns"], 3);
  EXPECT_EQ(table["column_names"], json({"region", "income", "votes"}));
  EXPECT_EQ(table["column_categories"], json({2, 3, 2}));
  EXPECT_EQ(table["against"], "test rows");
  EXPECT_EQ(table["impossible_rows"], 2);
  EXPECT_EQ(table["unseen_value_rows"], 1);
  EXPECT_EQ(table["marginal_tv"], json({0.03, 0.01, 0.02}));
  EXPECT_EQ(table["pair_tv_max"], 0.25);
  EXPECT_EQ(table["pair_tv_worst"], json({0, 2}));
  EXPECT_NEAR(table["pair_tv_floor_mean"].get<double>(), 0.05, 1e-15);
  EXPECT_EQ(table["association_difference_max"], 0.25);
  EXPECT_EQ(table["nearest_training"], 1.5);
  EXPECT_EQ(table["nearest_held_out"], 1.5);
  EXPECT_EQ(table["nearest_ratio"], 1);
  EXPECT_EQ(table["copies_held_out"], 0.125);
  EXPECT_EQ(table["discriminator_auc"], 0.75);
  EXPECT_EQ(table["tree_log_likelihood"], -3.5);
}

TEST(ReportOfATable, SaysInWordsWhatIsGoodAndWhatIsOff) {
  auto report = table_report_of_three();
  report.walks->log_likelihood_test = -3.25;

  const auto verdict = table_verdict(report);
  const auto off = verdict.substr(verdict.find("Off: "));

  EXPECT_THAT(verdict, testing::StartsWith("Good: "));
  EXPECT_THAT(
      off, HasSubstr("pairs of columns are clearly farther from the test rows than by chance (1 and 2.2 times as far "
                     "as training rows, worst region with votes)"));
  EXPECT_THAT(off, HasSubstr("a classifier tells samples from real rows well (AUC 0.750 +- 0.062)"));
  EXPECT_THAT(off, Not(HasSubstr("nearer")));
  EXPECT_THAT(verdict,
              HasSubstr("the test rows are more likely than under the tree of Chow and Liu (-3.250 and -3.500 nat)"));
}

TEST(ReportOfATable, SaysThatNothingIsOffWhereNothingIs) {
  auto report = table_report_of_three();
  report.table->found.pairs.samples = report.table->found.pairs.training;
  report.table->found.discriminator = {0.5, 0.0625, 50};

  EXPECT_THAT(table_verdict(report), testing::EndsWith("Nothing that was measured is off."));

  // Few rows that are not told apart say nothing.
  EXPECT_THAT(table_verdict(report), Not(HasSubstr("classifier")));
  report.table->found.discriminator.auc_error = 0.03125;
  EXPECT_THAT(table_verdict(report), HasSubstr("a classifier cannot tell samples from real rows (AUC 0.500 +- 0.031)"));

  report.table->found.nearest.mean = 0.5;
  report.table->found.stray = {3, 0};
  EXPECT_THAT(table_verdict(report), HasSubstr("some may be learned by heart"));
  EXPECT_THAT(table_verdict(report), HasSubstr("Off: 2.91 % of the samples are rows that cannot exist"));
}

TEST(ReportOfATable, DrawsItsPairsInTheOrderOfTheirColumns) {
  const auto figures = data_of(report_html(table_report_of_three()))["figures"]["table"];

  EXPECT_EQ(figures["columns"][1], json({{"name", "income"}, {"words", {"low", "mid", "high"}}, {"ordinal", true}}));
  EXPECT_EQ(figures["samples"][1], json({0.25, 0.25, 0.5}));
  EXPECT_EQ(figures["pair_columns"], json({0, 1, 2}));
  EXPECT_EQ(figures["distance"], json({0.05, 0.25, 0.03}));
  EXPECT_EQ(figures["association_reference"], json({0.5, 0.5, 0.5}));
}

// Of many columns those are drawn whose pairs are farthest off.
TEST(ReportOfATable, DrawsTheWorstOfManyColumns) {
  auto report = table_report_of_three();
  auto& table = *report.table;
  constexpr std::size_t kColumns = 60;
  table.columns.assign(kColumns, {"x", {"0", "1"}, false});
  table.shares.assign(kColumns, {0.5, 0.5});
  table.reference_shares = table.shares;
  auto& found = table.found;
  found.pair_columns.clear();
  for (std::size_t d = 0; d < kColumns; ++d) found.pair_columns.push_back(d);
  const auto pairs = kColumns * (kColumns - 1) / 2;
  found.pairs = {std::vector(pairs, 0.0), std::vector(pairs, 0.0)};
  found.association = found.association_reference = found.pairs.samples;
  found.pairs.samples[pair_index(57, 59, kColumns)] = 0.5;

  const auto figures = data_of(report_html(report))["figures"]["table"];
  const auto drawn = figures["pair_columns"].get<std::vector<std::size_t>>();

  ASSERT_EQ(drawn.size(), 48u);
  EXPECT_THAT(drawn, testing::IsSupersetOf({57u, 59u}));
  EXPECT_EQ(figures["distance"][pair_index(46, 47, 48)], 0.5);
}

TEST(ReportOfATable, SaysLittleWhereNoSampleCanExist) {
  auto report = table_report_of_three();
  report.table->found = TableComparison{};
  report.table->found.stray.impossible = 7;

  const auto table = json::parse(report_json(report))["table"];

  EXPECT_EQ(table["impossible_rows"], 7);
  EXPECT_FALSE(table.contains("pair_tv_max"));
  EXPECT_EQ(table["verdict"], "Off: 100 % of the samples are rows that cannot exist.");
  EXPECT_FALSE(data_of(report_html(report))["figures"].contains("table"));
}

TEST(ReportOfWalks, HasNoPictureWhereTheSpaceIsNoPlane) {
  const auto figures = data_of(report_html(walks_report()))["figures"];

  EXPECT_FALSE(figures.contains("target"));
  EXPECT_FALSE(figures.contains("plane"));
}

TEST(TrainingCsv, HasALineForEveryRecord) {
  const auto text = training_csv({{500, 1.25, 0.5, 0.25, 1e-3}, {1000, 2.5, 0.125, 1.0 / 3, 0}});

  EXPECT_EQ(text,
            "step,seconds,loss,validation,learning_rate\n"
            "500,1.250,0.5,0.25,0.001\n"
            "1000,2.500,0.125,0.333333333,0\n");
}

}  // namespace
}  // namespace kirchhoff
