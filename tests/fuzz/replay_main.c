/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a fuzz target on an empty input and on each file of a corpus folder, one TAP line each. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns the file's size, or -1 with errno set; *data is the caller's to free. */
static long read_file(const char *path, uint8_t **data)
{
    FILE *file = fopen(path, "rb");
    long size = -1;

    *data = NULL;
    if (file == NULL)
        return -1;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0) {
        rewind(file);
        /* Exactly the input's size, so that a sanitizer sees a read past its end. */
        *data = malloc(size > 0 ? (size_t)size : 1);
        if (*data == NULL || fread(*data, 1, (size_t)size, file) != (size_t)size) {
            free(*data);
            *data = NULL;
            size = -1;
        }
    }
    fclose(file);
    return size;
}

int main(int argc, char **argv)
{
    int count = 1, failed = 0;
    uint8_t none = 0;
    DIR *folder;
    struct dirent *entry;

    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    LLVMFuzzerTestOneInput(&none, 0);
    printf("ok 1 - empty input\n");

    folder = opendir(argv[1]);
    if (folder == NULL && errno != ENOENT) {
        perror(argv[1]);
        return 1;
    }
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[4096];
        uint8_t *data;
        long size;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        size = read_file(path, &data);
        count++;
        if (size < 0) {
            printf("not ok %d - %s: %s\n", count, entry->d_name, strerror(errno));
            failed++;
            continue;
        }
        LLVMFuzzerTestOneInput(data, (size_t)size);
        printf("ok %d - %s\n", count, entry->d_name);
        free(data);
    }
    if (folder != NULL)
        closedir(folder);
    printf("1..%d\n", count);
    return failed != 0;
}
