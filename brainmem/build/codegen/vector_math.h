// Mathematics that compilers can vectorise: exp, tanh and their like, and powers in the precision of their base.
//
// g++ takes the vector versions of functions that glibc holds. glibc declares them only where __FAST_MATH__ is defined, and Brian2's -fno-finite-math-only undefines it: the
// flag keeps NaN and infinity, which the vector versions keep too. They differ from the scalar ones by at most
// 4 units in the last place (glibc manual, "Errors in Math Functions").
#ifndef BRAINMEM_VECTOR_MATH_H
#define BRAINMEM_VECTOR_MATH_H

#include <cmath>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && !defined(__FAST_MATH__)

#define BRAINMEM_VECTORISED(function) \
    extern double function(double) noexcept __attribute__((__simd__("notinbranch"))); \
    extern float function##f(float) noexcept __attribute__((__simd__("notinbranch")));

extern "C" {
#if __GLIBC_PREREQ(2, 22)
BRAINMEM_VECTORISED(exp)
BRAINMEM_VECTORISED(log)
BRAINMEM_VECTORISED(sin)
BRAINMEM_VECTORISED(cos)
#endif
#if __GLIBC_PREREQ(2, 35)
BRAINMEM_VECTORISED(tan)
BRAINMEM_VECTORISED(asin)
BRAINMEM_VECTORISED(acos)
BRAINMEM_VECTORISED(atan)
BRAINMEM_VECTORISED(sinh)
BRAINMEM_VECTORISED(cosh)
BRAINMEM_VECTORISED(tanh)
BRAINMEM_VECTORISED(expm1)
BRAINMEM_VECTORISED(log1p)
BRAINMEM_VECTORISED(log10)
#endif
}

#undef BRAINMEM_VECTORISED

#endif

namespace brainmem {

// x**y. C++ takes the power of a float with a whole number in double, in vectors of half as many numbers.
template<class base, class exponent> inline auto power(const base x, const exponent y) -> decltype(std::pow(x, y))
{
    return std::pow(x, y);
}
inline float power(const float x, const int y) { return std::pow(x, (float)y); }
inline float power(const float x, const long y) { return std::pow(x, (float)y); }

}
#endif
