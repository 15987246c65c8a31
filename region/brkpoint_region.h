/* brkpoint_region.h - names a part of a run, so that a budget can hold it: `all user in region parse
 * calls = 0`. The manual is docs/regions.md.
 *
 *     brkpoint_region_begin("parse");
 *     ...
 *     brkpoint_region_end();
 *
 * Link with -lbrkpoint_region (x86-64 Linux). The two are a call and a return each, which do nothing,
 * in any program, also a stripped one: brkpoint finds them by a note in the file.
 *
 * A region is the thread's own. It lasts until its end or that of the thread or the program (exec);
 * regions nest, and a child of fork goes on in those of the thread that forked. An end without a
 * beginning does nothing.
 *
 * NAME: a string literal, which brkpoint reads from the file; nothing else is a name that it can
 * rely on. With BRKPOINT_NO_REGIONS defined nothing is called, and nothing is to be linked with.
 */
#ifndef BRKPOINT_REGION_H
#define BRKPOINT_REGION_H

#ifdef __cplusplus
extern "C" {
#endif

#ifdef BRKPOINT_NO_REGIONS
static inline void brkpoint_region_begin(const char *name)
{
    (void)name;
}
static inline void brkpoint_region_end(void)
{
}
#else
void brkpoint_region_begin(const char *name);
void brkpoint_region_end(void);
#endif

#ifdef __cplusplus
}

namespace brkpoint
{
/* The region of a scope, however that is left: brkpoint::region here("parse"); */
class region
{
  public:
    template <unsigned long size> explicit region(const char (&name)[size])
    {
        brkpoint_region_begin(name);
    }
    ~region()
    {
        brkpoint_region_end();
    }

  private:
    region(const region &);
    region &operator=(const region &);
};
} // namespace brkpoint
#endif

#endif
