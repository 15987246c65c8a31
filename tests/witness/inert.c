/* inert.c - preloaded in the other run of a comparison, so that both start alike. */
int inert_library;
