#include "base/clock.h"

#include <stdio.h>

#define DAYS_400_YEARS 146097u
#define DAYS_TO_1970 719468u /* from the 1st of March of the year 0 */

/* Years are counted from March, so that the day that comes and goes is a year's last. */
void clock_utc_text(uint64_t unix_ms, char ret[32])
{
	uint64_t secs = unix_ms / 1000, days = secs / 86400 + DAYS_TO_1970, second = secs % 86400;
	uint64_t era = days / DAYS_400_YEARS, of_era = days % DAYS_400_YEARS;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t march = (5 * of_year + 2) / 153, day = of_year - (153 * march + 2) / 5 + 1;
	uint64_t month = march < 10 ? march + 3 : march - 9;

	year += era * 400 + (month <= 2);
	/* The year 9999 is the last that has four digits. */
	snprintf(ret, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned int)(year % 10000),
		 (unsigned int)(month % 100), (unsigned int)(day % 100),
		 (unsigned int)(second / 3600 % 24), (unsigned int)(second / 60 % 60),
		 (unsigned int)(second % 60), (unsigned int)(unix_ms % 1000));
}
