// Passes over one matrix run forward and backward in turn: each begins with what the last one left in the cache.
#ifndef BRAINMEM_TURNS_H
#define BRAINMEM_TURNS_H

namespace brainmem {

// Whether this pass over a matrix runs backward. Threads keep their own rows, and the caches of several cores hold
// more: there, every pass runs forward.
template<class array, array& matrix> bool backward()
{
#ifdef _OPENMP
    return false;
#else
    static bool turned = true;
    return turned = !turned;
#endif
}

}
#endif
