/* spool.h - writing the spool: alloctrace/spool/spool.py reads it, docs/trace-format.md describes it. */
#ifndef RECORDER_SPOOL_H
#define RECORDER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool {
    int fd;
    size_t used;
    uint64_t written; /* bytes in the file */
    int error;        /* errno of the first failed write; then nothing more is written */
    unsigned char buffer[1 << 18];
};

/* Create the file and write its header; 0, or -1 with errno. */
int spool_create(struct spool *spool, const char *path);
/* Hand on what is buffered, so that it survives this process. */
void spool_flush(struct spool *spool);
void spool_close(struct spool *spool);

/* A record of any kind: history.h's, or information. */
void spool_record(struct spool *spool, unsigned kind, const void *payload, size_t length);

/* An information record: a JSON object with a type. Begin, any fields, end. */
struct json {
    char text[1 << 16];
    size_t used;
    bool full;
};
void json_begin(struct json *json, const char *type);
/* Bytes that are no UTF-8 travel as lone surrogates, as Python's surrogateescape has them. */
void json_text(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
/* A list of texts: `bytes` holds them one behind the other, each with a NUL at its end. */
void json_texts(struct json *json, const char *key, const char *bytes, size_t length);
void json_null(struct json *json, const char *key);
void spool_json(struct spool *spool, struct json *json);

#endif
