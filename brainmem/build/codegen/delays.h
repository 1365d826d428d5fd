// What variables were some time ago; see brainmem/text/delays.py. Inline functions share what is static in them over
// all files of a program.
#ifndef BRAINMEM_DELAYS
#define BRAINMEM_DELAYS
#include <cmath>
#include <mutex>
#include <vector>
namespace brainmem_delays
{
struct Line { std::vector<double> kept, aside; };
inline Line& line_of(long number)
{
    static Line lines[256];
    return lines[number];
}
}
inline double delay_store(double value, double line, double unit, double units, double steps, double step)
{
    std::vector<double>& kept = brainmem_delays::line_of((long)line).kept;
    const long count = std::lround(steps), all = (long)units, own = (long)unit;
    const long long now = std::llround(step);
    kept[(now % count)*all + own] = value;
    return kept[((now + 1) % count)*all + own];
}
inline double delay_begin(double value, double line, double unit, double units, double steps, double step,
                          double put_back, double set_aside, double fresh)
{
    brainmem_delays::Line& found = brainmem_delays::line_of((long)line);
    const long count = std::lround(steps), all = (long)units, own = (long)unit;
    const long long now = std::llround(step);
    if (now == 0)
    {
        static std::mutex one_at_a_time;
        std::lock_guard<std::mutex> guard(one_at_a_time);
        found.kept.resize(count*all);
        found.aside.resize(count*all);
    }
    for (long age = 0; age < count; age++)
    {
        double& kept = found.kept[((now - 1 - age + count) % count)*all + own];
        double& aside = found.aside[age*all + own];
        if (put_back > 0.5) kept = aside;
        if (set_aside > 0.5) aside = kept;
        if (fresh > 0.5 || now == 0) kept = value;
    }
    return found.kept[(now % count)*all + own];
}
#endif
