/* glibc's header of this name; musl has none. What it declares is in mk/musl/fill.h. */
