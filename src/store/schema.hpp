#pragma once

// The one spelling of what lies in our HDF5 files. The number goes up when a reader of the old layout would go wrong.

namespace kirchhoff::schema {

inline constexpr int kVersion = 1;

// Root attributes of every file.
inline constexpr auto kKind = "kind";
inline constexpr auto kSchemaVersion = "schema_version";
inline constexpr auto kPackageVersion = "package_version";
inline constexpr auto kProblemHash = "problem_hash";
inline constexpr auto kOptions = "options";
inline constexpr auto kRanks = "ranks";
inline constexpr auto kBlas = "blas";
inline constexpr auto kPetsc = "petsc";

// Attribute of a dataset.
inline constexpr auto kUnit = "unit";

// solution.h5; further root attributes are the fields of SolveReport.
inline constexpr auto kSolution = "solution";
inline constexpr auto kPotential = "/potential";  // (L+1, N) f64 volt
inline constexpr auto kSource = "/source";        // (N) f64 ampere
inline constexpr auto kTarget = "/target";        // (N) f64 ampere

// currents.h5
inline constexpr auto kCurrents = "currents";
inline constexpr auto kEdgeLayer = "/layer";      // (m) i64
inline constexpr auto kEdgeFrom = "/from";        // (m) i64 state on that layer
inline constexpr auto kEdgeTo = "/to";            // (m) i64 state on the next layer
inline constexpr auto kEdgeCurrent = "/current";  // (m) f64 ampere

// checkpoint.h5; root attributes: step, seed, best_validation, checksum, training_hash, supervision, loss_sum, seconds.
inline constexpr auto kCheckpoint = "checkpoint";
inline constexpr auto kStep = "step";
inline constexpr auto kSeed = "seed";
inline constexpr auto kBestValidation = "best_validation";
inline constexpr auto kChecksum = "checksum";
inline constexpr auto kTrainingHash = "training_hash";
inline constexpr auto kSupervision = "supervision";
inline constexpr auto kLossSum = "loss_sum";
inline constexpr auto kSeconds = "seconds";
inline constexpr auto kParameters = "/model/parameters";           // (P) f64, what the optimiser moves
inline constexpr auto kAverage = "/model/average";                 // (P) f64, moving average: the model that samples
inline constexpr auto kMean = "/model/mean";                       // (L+1) f64 volt
inline constexpr auto kScale = "/model/scale";                     // (L+1) f64 volt
inline constexpr auto kFirstMoment = "/optimizer/first_moment";    // (P) f64
inline constexpr auto kSecondMoment = "/optimizer/second_moment";  // (P) f64
inline constexpr auto kHistory = "/history";                       // (k, 5) step, seconds, loss, validation, rate
inline constexpr auto kRandom = "/random";                         // (2) i64 seed and step: all the generator's state

// samples.h5, in the groups /exact and /neural; attributes of a group: count, seconds, origin.
inline constexpr auto kSamplesKind = "samples";
inline constexpr auto kSamples = "samples";  // (count, D) u16
inline constexpr auto kStart = "start";      // (count, D) u16
inline constexpr auto kSteps = "steps";      // (count) i32 moves, the final exit not counted
inline constexpr auto kStuck = "stuck";      // (count) u8, 1: no current leaves where the walk ended
inline constexpr auto kCount = "count";
inline constexpr auto kOrigin = "origin";

}  // namespace kirchhoff::schema
