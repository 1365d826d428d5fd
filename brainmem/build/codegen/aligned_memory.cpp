// Memory for all arrays of a program. Vector loads of 64 bytes are slow where they cross a line of the cache, so
// arrays begin at one; large ones lie in huge pages where the system has them, since a pass over a matrix in small
// pages looks up an address every 4 KB.
#include <cstddef>
#include <cstdlib>
#include <new>
#ifdef __linux__
#include <sys/mman.h>
#endif

static const std::size_t line = 64, huge_page = std::size_t(1) << 21;
static const std::size_t small = 4*line;  // nodes of containers, which come and go in every time step

void* operator new(std::size_t size)
{
    if (size < small)
    {
        void* node = std::malloc(size ? size : 1);
        if (!node) throw std::bad_alloc();
        return node;
    }
    const bool large = size > huge_page/2;
    if (large) size = (size + huge_page - 1)/huge_page*huge_page;
    void* memory = NULL;
    if (posix_memalign(&memory, large ? huge_page : line, size)) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (large) madvise(memory, size, MADV_HUGEPAGE);  // where it is refused, pages are small as before
#endif
    return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
