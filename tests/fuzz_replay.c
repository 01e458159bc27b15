/* fuzz_replay.c -- runs a fuzzer's body over its corpus, as a plain test.
 *
 * Why: what a fuzzer once found must stay found, on every machine, without
 * clang.  Every file below the folders named on the command line is given to
 * LLVMFuzzerTestOneInput once, and so is every prefix of the small ones, as a
 * cut frame is the commonest bad input there is. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLAY_PREFIX_MAX = 512 };

/* A copy of exactly this size, so that a sanitizer sees a read beyond it. */
static void
replay_bytes(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (copy == NULL)
        exit(1);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void
replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    uint8_t *data = malloc(1 << 22);
    if (data == NULL)
        exit(1);
    size_t size = fread(data, 1, 1 << 22, file);
    fclose(file);
    if (size == 0) { /* it would stand for an input that got lost */
        fprintf(stderr, "%s is empty\n", path);
        exit(1);
    }
    replay_bytes(data, size);
    for (size_t n = 0; size <= REPLAY_PREFIX_MAX && n < size; n++)
        replay_bytes(data, n);
    free(data);
}

int
main(int argc, char **argv)
{
    unsigned count = 0;
    replay_bytes((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (dir == NULL) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
            char path[4096];
            struct stat st;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
                continue;
            replay_file(path);
            count++;
        }
        closedir(dir);
    }
    printf("%u passed, 0 failed\n", count + 1);
    return count > 0 ? 0 : 1;
}
