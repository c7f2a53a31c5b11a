// The network: its training, and its currents against the exact ones.
#include "io/report/section.hpp"

namespace kirchhoff {
namespace {

using nlohmann::ordered_json;

ordered_json train_json(const TrainReport& t) {
  return {{"supervision", t.supervision},
          {"steps", t.steps},
          {"seconds", t.seconds},
          {"samples_per_second", t.samples_per_second},
          {"final_loss", t.final_loss},
          {"parameters", t.parameters},
          {"parameters_per_unknown", or_null(t.parameters_per_unknown)},
          {"distinct_training_rows", or_null(t.distinct_training_rows)}};
}

ordered_json currents_json(const CurrentComparison& c) {
  ordered_json json{{"relative_l2", c.relative_l2},
                    {"relative_l2_by_layer", c.relative_l2_by_layer},
                    {"sign_agreement", c.sign_agreement},
                    {"sign_agreement_by_layer", c.sign_agreement_by_layer},
                    {"kcl_relative_imbalance", c.kcl_relative_imbalance},
                    {"kcl_imbalance_by_layer", c.kcl_imbalance_by_layer},
                    {"kcl_max_imbalance", c.kcl_max_imbalance},
                    {"by_decade", ordered_json::array()}};
  for (const auto& d : c.by_decade) {
    json["by_decade"].push_back({{"from", d.from},
                                 {"to", d.to},
                                 {"edges", d.edges},
                                 {"share", d.share},
                                 {"relative_l2", d.relative_l2},
                                 {"sign_agreement", d.sign_agreement}});
  }
  return json;
}

void network_facts(const Report& report, ordered_json& json) {
  if (report.train) json["train"] = train_json(*report.train);
  if (report.walks) json["train"]["entropy_floor"] = or_null(report.train->entropy_floor);
  if (report.currents) json["currents"] = currents_json(*report.currents);
}

void network_figures(const Report& report, ordered_json& f) {
  if (report.train) {
    for (const auto& r : report.train->history) {
      f["loss"]["step"].push_back(r.step);
      f["loss"]["train"].push_back(r.loss);
      f["loss"]["validation"].push_back(r.validation);
    }
  }
  if (report.currents) f["relative_l2_by_layer"] = report.currents->relative_l2_by_layer;
}

}  // namespace

const Section kNetworkSection{network_facts, network_figures};

}  // namespace kirchhoff
