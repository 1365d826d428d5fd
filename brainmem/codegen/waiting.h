// Changes of a weight matrix that wait: w = scale_post*W + sum_k post_k*pre_k, where W is the array of weights.
//
// A sum over the weights then reads W once, and `most` changes at a time are added to it in one pass.
#ifndef BRAINMEM_WAITING_H
#define BRAINMEM_WAITING_H

#include <algorithm>
#include <vector>

namespace brainmem {

// Sums are bound by memory, where vectors of 64 bytes gain nothing over those of 32.
template<class T> struct vector_of {
    typedef T type __attribute__((vector_size(32), aligned(sizeof(T)), may_alias));
};

template<class T> class Waiting {
    typedef typename vector_of<T>::type vector;
    static const int lanes = sizeof(vector)/sizeof(T), tall = 4;
    std::vector<T> scale, post, pre;  // of each row; [most*row + k]; [k*columns + column]
    std::vector<T> shared;            // of each product that waits, the sum of pre*x
    bool scaled;
public:
    static const int most = 8;
    const long rows, columns;
    int count;

    Waiting(const long rows, const long columns)
        : scale(rows, T(1)), post(rows*most, T(0)), pre(most*columns, T(0)), shared(most),
          scaled(false), rows(rows), columns(columns), count(0) {}

    T* next_pre() { return &pre[count*columns]; }
    T& next_post(const long row) { return post[row*most + count]; }

    // Multiplies a row, and what waits for it.
    void multiply_row(const long row, const T factor)
    {
        if (factor == T(1)) return;
        scaled = true;
        scale[row] *= factor;
        for (int k = 0; k < count; k++) post[row*most + k] *= factor;
    }

    // sums[row] = sum over columns of w*x. Waiting changes are added to `weights` first where there is no room left.
    // Row r meets itself in column r + shift, if `diagonal` is false: this synapse does not exist and its weight is 0.
    void sum(T* weights, const T* x, T* sums, const bool diagonal, const long shift)
    {
        const bool settling = count == most;
        if (settling) add(weights, x, sums, diagonal, shift);
        else
        {
            for (int k = 0; k < count; k++)
            {
                const T* __restrict changes = &pre[k*columns];
                T total = 0;
                for (long column = 0; column < columns; column++) total += changes[column]*x[column];
                shared[k] = total;
            }
            add_nothing(weights, x, sums);
            for (long row = 0; row < rows; row++)
            {
                const T* __restrict waits = &post[row*most];
                T total = scale[row]*sums[row];
                const long own = row + shift;
                if (diagonal || own < 0 || own >= columns)
                    for (int k = 0; k < count; k++) total += waits[k]*shared[k];
                else
                    for (int k = 0; k < count; k++) total += waits[k]*(shared[k] - pre[k*columns + own]*x[own]);
                sums[row] = total;
            }
        }
    }

    // Adds all that waits to `weights`.
    void settle(T* weights, const bool diagonal, const long shift)
    {
        if (!count && !scaled) return;
        std::vector<T> x(columns, T(0)), sums(rows);
        add(weights, &x[0], &sums[0], diagonal, shift);
    }

private:
    // Sums over the weights as they stand, four rows together: one alone would wait for its own additions.
    void add_nothing(const T* weights, const T* x, T* sums) const
    {
        const long whole = columns/lanes*lanes, last = rows/tall*tall;
#ifdef _OPENMP
        #pragma omp parallel for schedule(static)
#endif
        for (long row = 0; row < last; row += tall)
        {
            vector total[tall] = {};
            const T* __restrict first = weights + row*columns;
            for (long column = 0; column < whole; column += lanes)
            {
                const vector factor = *(const vector*)(x + column);
                #pragma GCC unroll 4
                for (int r = 0; r < tall; r++) total[r] += *(const vector*)(first + r*columns + column)*factor;
            }
            for (int r = 0; r < tall; r++) sums[row + r] = whole_sum(total[r]) + end_of(first + r*columns, x, whole);
        }
        for (long row = last; row < rows; row++) sums[row] = end_of(weights + row*columns, x, 0);
    }

    T end_of(const T* weights, const T* x, const long from) const
    {
        T total = 0;
        for (long column = from; column < columns; column++) total += weights[column]*x[column];
        return total;
    }

    static T whole_sum(const vector& values)
    {
        T total = 0;
        for (int lane = 0; lane < lanes; lane++) total += values[lane];
        return total;
    }

    // Adds what waits and sums over the result, in tiles of 4 rows and 2 vectors that stay in registers.
    void add(T* weights, const T* x, T* sums, const bool diagonal, const long shift)
    {
        for (int k = count; k < most; k++)
        {
            std::fill(pre.begin() + k*columns, pre.begin() + (k + 1)*columns, T(0));
            for (long row = 0; row < rows; row++) post[row*most + k] = 0;
        }
        const long pairs = columns/(2*lanes)*(2*lanes), whole = columns/lanes*lanes, last = rows/tall*tall;
#ifdef _OPENMP
        #pragma omp parallel for schedule(static)
#endif
        for (long row = 0; row < last; row += tall)
        {
            vector total[tall] = {};
            for (long column = 0; column < pairs; column += 2*lanes) tile<2>(weights, x, total, row, column);
            if (pairs < whole) tile<1>(weights, x, total, row, pairs);
            for (int r = 0; r < tall; r++)
                sums[row + r] = whole_sum(total[r]) + rest(weights, x, row + r, whole, diagonal, shift);
        }
        for (long row = last; row < rows; row++) sums[row] = rest(weights, x, row, 0, diagonal, shift);
        std::fill(scale.begin(), scale.end(), T(1));
        scaled = false;
        count = 0;
    }

    template<int wide> inline __attribute__((always_inline))
    void tile(T* weights, const T* x, vector* total, const long row, const long column)
    {
        T* const first = weights + row*columns + column;
        const T* const waits = &post[row*most];
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
        const T* const waits = &post[row*most];
        T total = 0;
        for (long column = from; column < columns; column++)
        {
            T value = scale[row]*own_row[column];
            for (int k = 0; k < most; k++) value += waits[k]*pre[k*columns + column];
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

// What waits for one matrix, the same for all code objects of a program; `number` tells matrices apart.
template<class T, unsigned long number> Waiting<T>& waiting(const long rows, const long columns)
{
    static Waiting<T> changes(rows, columns);
    return changes;
}

}
#endif
