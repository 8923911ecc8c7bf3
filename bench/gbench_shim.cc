// SPDX-License-Identifier: MIT
//
// The only C++ file: translation between the C face in gbench_shim.h and Google Benchmark 1.7
// (Debian 12), 1.8 (Ubuntu 24.04) and 1.9 (Debian 13). What differs between them is chosen by
// SFINAE on the members, not by version numbers, which the older headers do not carry.
#include "gbench_shim.h"

#include <benchmark/benchmark.h>

#include <sched.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

struct pn_bench_state {
    benchmark::State &library;
    void **shared;
    const pn_bench_options &options;
    bool running = false;
    bool failed = false;
    bool moved = false;
    cpu_set_t before{};
    std::chrono::steady_clock::time_point start{};
};

namespace {

constexpr char kSkipped[] = "skipped: ";
constexpr char kNsPerOp[] = "ns_per_op";

// 1.8 and later can skip without an error; 1.7 has one kind, told apart by the text.
template <class S>
auto skip(S &state, const char *text, int)
    -> decltype(state.SkipWithMessage(std::string()), void()) {
    state.SkipWithMessage(std::string(kSkipped) + text);
}
template <class S> void skip(S &state, const char *text, long) {
    state.SkipWithError((std::string(kSkipped) + text).c_str());
}

template <class R>
auto reason_of(const R &run, int) -> decltype(run.error_occurred, std::string()) {
    return run.error_occurred ? run.error_message : std::string();
}
template <class R> auto reason_of(const R &run, long) -> decltype(run.skip_message, std::string()) {
    return run.skipped ? run.skip_message : std::string();
}

// From 1.8 on a time wants its unit, before it must not have one.
template <class S>
auto seconds_suffix(S *, int) -> decltype(std::declval<S &>().SkipWithMessage(std::string()),
                                          static_cast<const char *>(nullptr)) {
    return "s";
}
template <class S> const char *seconds_suffix(S *, long) {
    return "";
}

// Every run goes to the callback and to the library's JSON writer.
class Rows : public benchmark::BenchmarkReporter {
  public:
    Rows(const pn_bench_options &options, std::ostringstream &text) : options_(options) {
        json_.SetOutputStream(&text);
        json_.SetErrorStream(&text);
    }
    bool ReportContext(const Context &context) override {
        return json_.ReportContext(context);
    }
    void ReportRuns(const std::vector<Run> &runs) override {
        json_.ReportRuns(runs);
        for (const Run &run : runs) {
            if (!run.report_big_o && !run.report_rms) {
                Report(run);
            }
        }
    }
    void Finalize() override {
        json_.Finalize();
    }

  private:
    void Report(const Run &run) {
        if (options_.on_row == nullptr) {
            return;
        }
        std::string name = run.run_name.str();
        std::string reason = reason_of(run, 0);
        bool skipped = reason.rfind(kSkipped, 0) == 0;
        std::vector<pn_bench_counter> counters;
        double ns_per_op = 0;
        for (const auto &counter : run.counters) {
            if (counter.first == kNsPerOp) {
                ns_per_op = counter.second.value;
            } else {
                counters.push_back({counter.first.c_str(), counter.second.value});
            }
        }
        double unit = benchmark::GetTimeUnitMultiplier(run.time_unit) / 1e9;
        pn_bench_row row{};
        row.name = name.c_str();
        row.aggregate = run.aggregate_name.c_str();
        row.error = reason.empty() ? nullptr : reason.c_str() + (skipped ? sizeof kSkipped - 1 : 0);
        row.skipped = skipped;
        row.is_ratio = run.aggregate_unit == benchmark::kPercentage;
        row.iterations = static_cast<int64_t>(run.iterations);
        row.repetition = run.repetition_index;
        row.threads = run.threads;
        if (reason.empty()) {
            row.real_ns = run.GetAdjustedRealTime() / (row.is_ratio ? 1 : unit);
            row.cpu_ns = run.GetAdjustedCPUTime() / (row.is_ratio ? 1 : unit);
        }
        row.ns_per_op = ns_per_op;
        row.counters = counters.data();
        row.n_counters = counters.size();
        options_.on_row(&row, options_.user);
    }

    const pn_bench_options &options_;
    benchmark::JSONReporter json_;
};

void run_case(benchmark::State &state, const pn_bench_case *what, void **shared,
              const pn_bench_options &options) {
    pn_bench_state self{state, shared, options};
    // For all threads or for none: one that stays away would be waited for. Two threads that spin
    // on one CPU measure the time slice.
    if (what->threads > 1 && options.n_cpus < static_cast<size_t>(what->threads)) {
        skip(state, "needs a CPU per thread", 0);
        (void)pn_bench_begin(&self);
        pn_bench_end(&self);
        return;
    }
    what->run(&self, what);
    if (self.running) {
        pn_bench_end(&self);
    }
    if (self.moved) {
        (void)sched_setaffinity(0, sizeof self.before, &self.before);
    }
}

void initialize(const pn_bench_options &options) {
    std::ostringstream time;
    time << "--benchmark_min_time=" << options.min_time_s
         << seconds_suffix(static_cast<benchmark::State *>(nullptr), 0);
    std::vector<std::string> flags = {
        time.str(), "--benchmark_repetitions=" + std::to_string(options.repetitions),
        std::string("--benchmark_enable_random_interleaving=") +
            (options.interleave ? "true" : "false")};
    // The library keeps argv[0] for its context, the others it copies.
    static const char *const name = "pinion";
    std::vector<char *> argv = {const_cast<char *>(name)};
    argv.reserve(flags.size() + 2);
    for (std::string &flag : flags) {
        argv.push_back(&flag[0]);
    }
    argv.push_back(nullptr);
    int argc = static_cast<int>(argv.size()) - 1;
    benchmark::Initialize(&argc, argv.data());
}

int run_all(const pn_bench_case *const *cases, size_t n, const pn_bench_options &options,
            char **json) {
    initialize(options);
    benchmark::ClearRegisteredBenchmarks();
    // A slot per case: what its threads share. Thread 0 clears it when a run starts, see begin.
    std::vector<void *> shared(n, nullptr);
    for (size_t i = 0; i < n; i++) {
        const pn_bench_case *what = cases[i];
        void **slot = &shared[i];
        benchmark::RegisterBenchmark(what->name, [what, slot, &options](benchmark::State &state) {
            run_case(state, what, slot, options);
        })->Threads(what->threads);
    }
    for (size_t i = 0; i < options.n_context; i++) {
        benchmark::AddCustomContext(options.context[2 * i], options.context[2 * i + 1]);
    }
    std::ostringstream text;
    Rows rows(options, text);
    size_t ran = n == 0 ? 0 : benchmark::RunSpecifiedBenchmarks(&rows, nullptr, ".");
    benchmark::ClearRegisteredBenchmarks();
    if (json != nullptr) {
        *json = strdup(text.str().c_str());
        if (*json == nullptr) {
            return -ENOMEM;
        }
    }
    return static_cast<int>(ran);
}

} // namespace

extern "C" int pn_bench_run(const pn_bench_case *const *cases, size_t n,
                            const pn_bench_options *options, char **json) {
    if (options->repetitions < 1 || !(options->min_time_s > 0)) {
        return -EINVAL;
    }
    try {
        return run_all(cases, n, *options, json);
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    } catch (const std::exception &) {
        return -EIO;
    }
}

extern "C" const char *pn_bench_library_build(void) {
    try {
        std::ostringstream text;
        benchmark::JSONReporter json;
        json.SetOutputStream(&text);
        json.SetErrorStream(&text);
        benchmark::BenchmarkReporter::Context context;
        (void)json.ReportContext(context);
        return text.str().find("\"library_build_type\": \"release\"") != std::string::npos
                   ? "release"
                   : "debug";
    } catch (const std::exception &) {
        return "unknown";
    }
}

extern "C" uint64_t pn_bench_begin(pn_bench_state *state) {
    // One batch of everything: the loop is the caller's, the library's clock runs around it.
    uint64_t n = static_cast<uint64_t>(state->library.max_iterations);
    state->running = state->library.KeepRunningBatch(state->library.max_iterations);
    state->start = std::chrono::steady_clock::now();
    return state->running ? n : 0;
}

extern "C" void pn_bench_end(pn_bench_state *state) {
    if (!state->running) {
        return;
    }
    auto wall = std::chrono::steady_clock::now() - state->start;
    state->running = false;
    while (state->library.KeepRunningBatch(state->library.max_iterations)) {
    }
    // What "time" means with several threads differs between releases of the library (divided by
    // threads or not); this figure does not: wall time of thread 0 per iteration of its own.
    if (state->library.thread_index() == 0 && state->library.max_iterations > 0) {
        double ns = std::chrono::duration<double, std::nano>(wall).count();
        state->library.counters[kNsPerOp] = ns / static_cast<double>(state->library.max_iterations);
    }
}

extern "C" int pn_bench_thread(const pn_bench_state *state) {
    return state->library.thread_index();
}

extern "C" void **pn_bench_shared(pn_bench_state *state) {
    return state->shared;
}

extern "C" int pn_bench_pin(pn_bench_state *state) {
    size_t turn = static_cast<size_t>(state->library.thread_index());
    if (turn >= state->options.n_cpus || state->options.cpus[turn].id >= CPU_SETSIZE) {
        return -ERANGE;
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(state->options.cpus[turn].id), &one);
    if (!state->moved && sched_getaffinity(0, sizeof state->before, &state->before) != 0) {
        return -errno;
    }
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        return -errno;
    }
    state->moved = true;
    return 0;
}

extern "C" void pn_bench_set_counter(pn_bench_state *state, const char *name, double value) {
    state->library.counters[name] = value;
}

extern "C" void pn_bench_fail(pn_bench_state *state, const char *text) {
    state->library.SkipWithError(text);
}

extern "C" void pn_bench_skip(pn_bench_state *state, const char *text) {
    skip(state->library, text, 0);
}
