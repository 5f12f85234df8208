/* A program that sits beside another for weeks is small. */
#ifndef CTR_MONITOR_SLIM_H
#define CTR_MONITOR_SLIM_H

/* Give back what was needed once: freed heap, and pages of our own file, which are read again when they
 * are needed. */
void slim(void);

#endif
