// What a compiled run needs beyond Brian2: seed and duration from the environment, live progress,
// and an end that writes only the wanted arrays.
#ifndef BRAINMEM_RUN_CONTROL_H
#define BRAINMEM_RUN_CONTROL_H

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif
#include "objects.h"
#include "turns.h"
#include "vector_math.h"
#include "waiting.h"

namespace brainmem {

// Wall time for progress. Brian2 asks once per object and step: every 16th time, which is about once a step, it is
// read from a clock that costs nanoseconds and ticks every few milliseconds.
static inline std::chrono::nanoseconds wall_time()
{
    static unsigned asked = 0;
    static struct timespec now;
    if (asked++ % 16 == 0)
    {
#ifdef CLOCK_MONOTONIC_COARSE
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#else
        clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    }
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// In place of std::clock(), which Brian2 2.9 uses: it counts CPU time and is a system call.
static inline std::clock_t wall_clock()
{
    return (std::clock_t)(1e-9*wall_time().count()*CLOCKS_PER_SEC);
}

// In place of the clock of later versions.
static inline std::chrono::high_resolution_clock::time_point wall_now()
{
    typedef std::chrono::high_resolution_clock::duration ticks;
    return std::chrono::high_resolution_clock::time_point(std::chrono::duration_cast<ticks>(wall_time()));
}

static inline double duration(const double otherwise)
{
    const char* text = std::getenv("BRAINMEM_DURATION");
    return text ? std::strtod(text, NULL) : otherwise;
}

// One number per thread, separated by commas.
static inline void reseed()
{
    const char* text = std::getenv("BRAINMEM_SEED");
    if (!text) return;
    for (size_t k = 0; k < brian::_random_generators.size() && *text; k++) {
        char* end;
        brian::_random_generators[k].seed(std::strtoul(text, &end, 10));
        text = *end ? end + 1 : end;
    }
}

// A run whose parent process died has nobody to report to.
static inline void leave_if_orphaned()
{
    const char* parent = std::getenv("BRAINMEM_PARENT");
    if (parent && std::atol(parent) != (long)getppid()) _exit(3);
}

// A table of the run takes the place of the one compiled in. It begins with its number of rows.
static inline void read_rows(const char* name, double*& values)
{
    FILE* file = std::fopen((brian::results_dir + name).c_str(), "rb");
    if (!file) return;  // it keeps the values it was built with
    std::fseek(file, 0, SEEK_END);
    const size_t count = (size_t)std::ftell(file)/sizeof(double);
    std::rewind(file);
    double* rows = new double[count];
    if (std::fread(rows, sizeof(double), count, file) != count)
    {
        std::cerr << "Error reading the table " << name << std::endl;
        std::exit(4);
    }
    std::fclose(file);
    delete[] values;
    values = rows;
}

// Linux ends the run with its parent; elsewhere it looks whenever it reports.
static inline void end_with_parent()
{
#ifdef __linux__
    if (std::getenv("BRAINMEM_PARENT")) prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    leave_if_orphaned();
}

static inline void report(const double elapsed, const double completed)
{
    leave_if_orphaned();
    FILE* file = std::fopen((brian::results_dir + "progress.jsonl").c_str(), "a");
    if (!file) return;
    std::fprintf(file, "{\"elapsed\": %.3f, \"completed\": %.9f}\n", elapsed, completed);
    std::fclose(file);
}

class Results {
    FILE* index;
    bool failed;
    std::string separator;
public:
    explicit Results(const std::string& name) : failed(false)
    {
        index = std::fopen((brian::results_dir + name).c_str(), "w");
        if (!index) { std::cerr << "Error writing results to " << brian::results_dir << std::endl; std::exit(4); }
        std::fprintf(index, "{");
    }
    void entry(const std::string& name)
    {
        std::fprintf(index, "%s\"%s\": ", separator.c_str(), name.c_str());
        separator = ",\n";
    }
    void size(const std::string& name, const size_t count)
    {
        entry(name);
        std::fprintf(index, "%zu", count);
    }
    FILE* open(const std::string& name)
    {
        FILE* file = std::fopen((brian::results_dir + name).c_str(), "wb");
        if (!file) failed = true;
        return file;
    }
    void close(FILE* file) { if (file && std::fclose(file) != 0) failed = true; }
    template<class T> void put(FILE* file, const T* data, const size_t count)
    {
        if (file && count && std::fwrite(data, sizeof(T), count, file) != count) failed = true;
    }
    template<class T> void array(const std::string& name, const T* data, const size_t count)
    {
        FILE* file = open(name);
        put(file, data, count);
        close(file);
        entry(name);
        std::fprintf(index, "[%zu]", count);
    }
    template<class T> void vector(const std::string& name, std::vector<T>& data)
    {
        array(name, data.empty() ? (T*)NULL : &data[0], data.size());
    }
    template<class A> void table(const std::string& name, A& data)
    {
        FILE* file = open(name);
        const long rows = data.n, columns = data.m;
        for (int row = 0; row < rows && columns > 0; row++) put(file, &data(row, 0), columns);
        close(file);
        entry(name);
        std::fprintf(index, "[%ld, %ld]", rows, columns);
    }
    // Written last: a run without this file did not end by itself.
    int finish()
    {
        entry("fraction");
        std::fprintf(index, "%.17g", Network::_last_run_completed_fraction);
        entry("stopped");
        std::fprintf(index, "%d}\n", Network::_globally_stopped ? 1 : 0);
        if (std::fclose(index) != 0) failed = true;
        if (failed) { std::cerr << "Error writing results to " << brian::results_dir << std::endl; return 4; }
        return 0;
    }
};

}  // namespace brainmem

#endif
