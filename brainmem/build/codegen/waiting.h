// Changes of a weight matrix that wait: w = scale_post*W + sum_k post_k*pre_k, where W is the array of weights.
//
// A sum over the weights then reads W once, and `most` changes at a time are added to it in one pass.
#ifndef BRAINMEM_WAITING_H
#define BRAINMEM_WAITING_H

#include <algorithm>
#include <vector>
#include "turns.h"

namespace brainmem {

// Several numbers that are computed together. Sums are bound by memory, where 64 bytes gain nothing over 32.
// Such a type is no argument of a template, which would forget that it may begin anywhere.
template<class T, int bytes> struct vector_of {
    typedef T type __attribute__((vector_size(bytes), aligned(sizeof(T)), may_alias));
};
#ifdef __AVX512F__
static const int widest = 64;
#else
static const int widest = 32;
#endif

template<class T> class Waiting {
    static const int tall = 4;  // rows that are summed together: one alone would wait for its own additions
    std::vector<T> scale, factors;    // of each row
    std::vector<T> post, pre;         // of each change, for all rows and for all columns
    bool scaled;
    bool (*backward)();  // whether the next pass over the weights runs backward
public:
    static const int most = 8;
    const long rows, columns;
    int count;

    Waiting(const long rows, const long columns, bool (*backward)())
        : scale(rows, T(1)), factors(rows), post(most*rows), pre(most*columns),
          scaled(false), backward(backward), rows(rows), columns(columns), count(0) {}

    T* next_pre() { return &pre[count*columns]; }
    T* next_post() { return &post[count*rows]; }
    T* next_factors() { return &factors[0]; }

    // Multiplies every row by its factor, and what waits for it.
    void multiply()
    {
        scaled = true;
        multiply_by_factors(&scale[0]);
        for (int k = 0; k < count; k++) multiply_by_factors(&post[k*rows]);
    }

    // sums[row] = sum over columns of w*x. Waiting changes are added to `weights` first where there is no room left.
    // Row r meets itself in column r + shift, if `diagonal` is false: this synapse does not exist, and its weight must
    // be 0 from the beginning and x finite.
    void sum(T* weights, const T* x, T* sums, const bool diagonal, const long shift)
    {
        if (count == most) { add(weights, x, sums, diagonal, shift); return; }
        add_nothing(weights, x, sums);
        if (scaled) multiply_rows(sums);
        for (int k = 0; k < count; k++) add_change(&post[k*rows], &pre[k*columns], x, sums, diagonal, shift);
    }

    // Adds all that waits to `weights`.
    void settle(T* weights, const bool diagonal, const long shift)
    {
        if (!count && !scaled) return;
        std::vector<T> x(columns, T(0)), sums(rows);
        add(weights, &x[0], &sums[0], diagonal, shift);
    }

private:
    void multiply_by_factors(T* __restrict values) const
    {
        const T* __restrict by = &factors[0];
        for (long row = 0; row < rows; row++) values[row] *= by[row];
    }

    void multiply_rows(T* __restrict sums) const
    {
        const T* __restrict by = &scale[0];
        for (long row = 0; row < rows; row++) sums[row] *= by[row];
    }

    // Adds what one waiting change contributes to the sums.
    void add_change(const T* __restrict post_of, const T* __restrict pre_of, const T* __restrict x,
                    T* __restrict sums, const bool diagonal, const long shift) const
    {
        T total = 0;
        for (long column = 0; column < columns; column++) total += pre_of[column]*x[column];
        for (long row = 0; row < rows; row++) sums[row] += post_of[row]*total;
        if (diagonal) return;
        const long first = std::max(0l, -shift), last = std::min(rows, columns - shift);
        for (long row = first; row < last; row++) sums[row] -= post_of[row]*(pre_of[row + shift]*x[row + shift]);
    }

    // Sums over the weights as they stand.
    void add_nothing(const T* weights, const T* x, T* sums) const
    {
        typedef typename vector_of<T, 32>::type vector;
        const int lanes = sizeof(vector)/sizeof(T);
        const long whole = columns/lanes*lanes, blocks = rows/tall;
        const bool turned = backward();
#ifdef _OPENMP
        #pragma omp parallel for schedule(static)
#endif
        for (long block = 0; block < blocks; block++)
        {
            const long row = tall*(turned ? blocks - 1 - block : block);
            vector total[tall] = {};
            const T* __restrict first = weights + row*columns;
            for (long column = 0; column < whole; column += lanes)
            {
                const vector factor = *(const vector*)(x + column);
                #pragma GCC unroll 4
                for (int r = 0; r < tall; r++) total[r] += *(const vector*)(first + r*columns + column)*factor;
            }
            for (int r = 0; r < tall; r++) sums[row + r] = whole_sum<32>(total[r]) + end_of(first + r*columns, x, whole);
        }
        for (long row = tall*blocks; row < rows; row++) sums[row] = end_of(weights + row*columns, x, 0);
    }

    T end_of(const T* weights, const T* x, const long from) const
    {
        T total = 0;
        for (long column = from; column < columns; column++) total += weights[column]*x[column];
        return total;
    }

    template<int bytes> static T whole_sum(const typename vector_of<T, bytes>::type& values)
    {
        T total = 0;
        for (unsigned lane = 0; lane < bytes/sizeof(T); lane++) total += values[lane];
        return total;
    }

    // Adds what waits and sums over the result, in tiles of 4 rows and 2 vectors that stay in registers.
    void add(T* weights, const T* x, T* sums, const bool diagonal, const long shift)
    {
        std::fill(pre.begin() + count*columns, pre.end(), T(0));
        std::fill(post.begin() + count*rows, post.end(), T(0));
        const long blocks = rows/tall;
        const bool turned = backward();
#ifdef _OPENMP
        #pragma omp parallel for schedule(static)
#endif
        for (long block = 0; block < blocks; block++)
        {
            const long row = tall*(turned ? blocks - 1 - block : block);
            T waits[tall*most];
            for (int r = 0; r < tall; r++)
                for (int k = 0; k < most; k++) waits[r*most + k] = post[k*rows + row + r];
            T total[tall] = {};
            long column = tiles<widest, 2>(weights, x, waits, total, row, 0);
            column = tiles<32, 1>(weights, x, waits, total, row, column);
            for (int r = 0; r < tall; r++)
                sums[row + r] = total[r] + rest(weights, x, row + r, column, diagonal, shift);
        }
        for (long row = tall*blocks; row < rows; row++) sums[row] = rest(weights, x, row, 0, diagonal, shift);
        std::fill(scale.begin(), scale.end(), T(1));
        scaled = false;
        count = 0;
    }

    // All whole tiles from `column` on; returns the first column behind them.
    template<int bytes, int wide> inline __attribute__((always_inline))
    long tiles(T* weights, const T* x, const T* waits, T* sums, const long row, long column)
    {
        typedef typename vector_of<T, bytes>::type vector;
        const int lanes = sizeof(vector)/sizeof(T);
        vector total[tall] = {};
        for (; column + wide*lanes <= columns; column += wide*lanes)
            tile<bytes, wide>(weights, x, waits, total, row, column);
        for (int r = 0; r < tall; r++) sums[r] += whole_sum<bytes>(total[r]);
        return column;
    }

    template<int bytes, int wide> inline __attribute__((always_inline))
    void tile(T* weights, const T* x, const T* waits, typename vector_of<T, bytes>::type* total,
              const long row, const long column)
    {
        typedef typename vector_of<T, bytes>::type vector;
        const int lanes = sizeof(vector)/sizeof(T);
        T* const first = weights + row*columns + column;
        const T* const changes = &pre[column];
        vector value[tall][wide];
        #pragma GCC unroll 4
        for (int r = 0; r < tall; r++)
            #pragma GCC unroll 2
            for (int v = 0; v < wide; v++) value[r][v] = scale[row + r]*(*(const vector*)(first + r*columns + v*lanes));
        #pragma GCC unroll 8
        for (int k = 0; k < most; k++)
            #pragma GCC unroll 2
            for (int v = 0; v < wide; v++)
            {
                const vector change = *(const vector*)(changes + k*columns + v*lanes);
                #pragma GCC unroll 4
                for (int r = 0; r < tall; r++) value[r][v] += waits[r*most + k]*change;
            }
        #pragma GCC unroll 2
        for (int v = 0; v < wide; v++)
        {
            const vector factor = *(const vector*)(x + column + v*lanes);
            #pragma GCC unroll 4
            for (int r = 0; r < tall; r++)
            {
                *(vector*)(first + r*columns + v*lanes) = value[r][v];
                total[r] += value[r][v]*factor;
            }
        }
    }

    // The columns from `from` on, and the synapse of a unit to itself: returns what they add to the row's sum.
    T rest(T* weights, const T* x, const long row, const long from, const bool diagonal, const long shift)
    {
        T* const own_row = weights + row*columns;
        T total = 0;
        for (long column = from; column < columns; column++)
        {
            T value = scale[row]*own_row[column];
            for (int k = 0; k < most; k++) value += post[k*rows + row]*pre[k*columns + column];
            own_row[column] = value;
            total += value*x[column];
        }
        const long own = row + shift;
        if (!diagonal && own >= 0 && own < columns)
        {
            total -= own_row[own]*x[own];
            own_row[own] = 0;
        }
        return total;
    }
};

// What waits for the matrix in the array `weights`, the same for all code objects of a program.
template<class T, std::vector<T>& weights> Waiting<T>& waiting(const long rows, const long columns)
{
    static Waiting<T> changes(rows, columns, backward<std::vector<T>, weights>);
    return changes;
}

}
#endif
