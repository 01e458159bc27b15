/* sys_host.c -- figures out of /proc, line by line, word by word. */
#include "sys/sys_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/base_out.h"

enum { HOST_FILE_LIMIT = 1 << 20, HOST_SECTOR = 512, HOST_PATH = 1024 };

static struct bytes
host_line(struct bytes *text)
{
    size_t size = base_bytes_find(*text, '\n');
    struct bytes line = base_bytes_slice(*text, 0, size);
    *text = base_bytes_slice(*text, size + 1, text->size);
    return line;
}

static struct bytes
host_word(struct bytes *line)
{
    size_t from = 0;
    while (from < line->size && line->at[from] <= ' ')
        from++;
    size_t end = from;
    while (end < line->size && line->at[end] > ' ')
        end++;
    struct bytes word = base_bytes_slice(*line, from, end - from);
    *line = base_bytes_slice(*line, end, line->size);
    return word;
}

/* The next `count` words as numbers. */
static bool
host_numbers(struct bytes *line, uint64_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (base_bytes_u64(host_word(line), &to[i]) != ERR_OK)
            return false;
    return true;
}

enum err
sys_host_stat(struct bytes text, int64_t ticks_per_s, struct sys_host *host)
{
    struct bytes line = host_line(&text);
    /* user nice system idle iowait irq softirq steal; guest time, which
     * follows, is in user and nice already */
    uint64_t ticks[8], all = 0;
    if (!base_bytes_is(host_word(&line), "cpu") ||
        !host_numbers(&line, ticks, 8))
        return ERR_SYNTAX;
    for (size_t i = 0; i < 8; i++)
        all += ticks[i];
    uint64_t busy = all - ticks[3] - ticks[4], rate = (uint64_t)ticks_per_s;
    host->cpu_all_centis = (int64_t)(all * 100 / rate);
    host->cpu_busy_centis = (int64_t)(busy * 100 / rate);
    return ERR_OK;
}

enum err
sys_host_memory(struct bytes text, struct sys_host *host)
{
    uint64_t total = 0, available = 0, value;
    unsigned found = 0;
    while (text.size) {
        struct bytes line = host_line(&text);
        struct bytes name = host_word(&line);
        if (base_bytes_u64(host_word(&line), &value) != ERR_OK)
            continue;
        if (base_bytes_is(name, "MemTotal:"))
            found |= 1, total = value;
        else if (base_bytes_is(name, "MemAvailable:"))
            found |= 2, available = value;
    }
    if (found != 3 || available > total)
        return ERR_SYNTAX;
    host->memory_size_kib = (int64_t)total;
    host->memory_used_kib = (int64_t)(total - available);
    return ERR_OK;
}

enum err
sys_host_disks(struct bytes text, bool (*whole)(void *self, struct bytes name),
               void *self, struct sys_host *host)
{
    uint64_t sectors_read = 0, sectors_written = 0;
    while (text.size) {
        struct bytes line = host_line(&text);
        if (host_word(&line).size == 0) /* major */
            continue;
        host_word(&line); /* minor */
        struct bytes name = host_word(&line);
        /* reads, merged, sectors, ms; writes, merged, sectors */
        uint64_t row[7];
        if (!host_numbers(&line, row, 7))
            return ERR_SYNTAX;
        if (!whole(self, name))
            continue;
        sectors_read += row[2];
        sectors_written += row[6];
    }
    host->disk_read_kib = (int64_t)(sectors_read * HOST_SECTOR / 1024);
    host->disk_written_kib = (int64_t)(sectors_written * HOST_SECTOR / 1024);
    return ERR_OK;
}

enum err
sys_host_network(struct bytes text, struct sys_host *host)
{
    uint64_t received = 0, sent = 0;
    host_line(&text); /* two lines of heading */
    host_line(&text);
    while (text.size) {
        struct bytes line = host_line(&text);
        size_t colon = line.size; /* the last one: "eth0:1" is a name */
        while (colon > 0 && line.at[colon - 1] != ':')
            colon--;
        if (colon == 0)
            return ERR_SYNTAX;
        struct bytes name = base_bytes_slice(line, 0, colon - 1);
        line = base_bytes_slice(line, colon, line.size);
        /* bytes and seven more received; bytes sent */
        uint64_t row[9];
        if (!host_numbers(&line, row, 9))
            return ERR_SYNTAX;
        if (base_bytes_is(host_word(&name), "lo"))
            continue;
        received += row[0];
        sent += row[8];
    }
    host->net_received_kib = (int64_t)(received / 1024);
    host->net_sent_kib = (int64_t)(sent / 1024);
    return ERR_OK;
}

/* A whole file whose size the kernel does not tell. */
static enum err
host_load(const char *root, const char *name, struct base_out *out)
{
    char path[HOST_PATH];
    int size = snprintf(path, sizeof path, "%s%s", root, name);
    if (size < 0 || (size_t)size >= sizeof path)
        return ERR_IO;
    base_out_reset(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    ssize_t got;
    uint8_t piece[4096];
    do {
        got = read(fd, piece, sizeof piece);
        if (got > 0)
            base_out_bytes_add(out, base_bytes(piece, (size_t)got));
    } while (got > 0 || (got < 0 && errno == EINTR));
    close(fd);
    return got < 0 ? ERR_IO : out->failed;
}

/* /sys/block has whole devices only; a physical one has a device. */
static bool
host_disk_is_whole(void *self, struct bytes name)
{
    const char *root = self;
    char path[HOST_PATH], text[64];
    base_bytes_string(name, text, sizeof text);
    for (char *c = text; *c; c++)
        if (*c == '/')
            *c = '!'; /* as sysfs writes it */
    const char *tail =
        base_bytes_starts(name, base_bytes_text("vd")) ? "" : "/device";
    int size =
        snprintf(path, sizeof path, "%s/sys/block/%s%s", root, text, tail);
    return size > 0 && (size_t)size < sizeof path && access(path, F_OK) == 0;
}

static enum err
host_filesystem(const char *folder, struct sys_host *host)
{
    struct statvfs about;
    if (statvfs(folder, &about) < 0)
        return ERR_IO;
    uint64_t used = (uint64_t)about.f_blocks - about.f_bfree;
    host->filesystem_size_kib =
        (int64_t)((uint64_t)about.f_blocks * about.f_frsize / 1024);
    host->filesystem_used_kib = (int64_t)(used * about.f_frsize / 1024);
    return ERR_OK;
}

enum err
sys_host_read(const char *root, const char *data_folder,
              struct sys_host *ret_host)
{
    struct sys_host host = {0};
    struct base_out out;
    char own_root[HOST_PATH]; /* not const, as self is not */
    snprintf(own_root, sizeof own_root, "%s", root);
    base_out_grow(&out, HOST_FILE_LIMIT);
    enum err err = host_load(root, "/proc/stat", &out);
    if (err == ERR_OK)
        err = sys_host_stat(base_out_bytes(&out), sysconf(_SC_CLK_TCK), &host);
    if (err == ERR_OK)
        err = host_load(root, "/proc/meminfo", &out);
    if (err == ERR_OK)
        err = sys_host_memory(base_out_bytes(&out), &host);
    if (err == ERR_OK)
        err = host_load(root, "/proc/diskstats", &out);
    if (err == ERR_OK)
        err = sys_host_disks(base_out_bytes(&out), host_disk_is_whole, own_root,
                             &host);
    if (err == ERR_OK)
        err = host_load(root, "/proc/net/dev", &out);
    if (err == ERR_OK)
        err = sys_host_network(base_out_bytes(&out), &host);
    if (err == ERR_OK)
        err = host_filesystem(data_folder, &host);
    base_out_done(&out);
    if (err == ERR_OK)
        *ret_host = host;
    return err;
}

enum err
sys_host_self(int64_t *ret_rss_kib, int64_t *ret_cpu_us)
{
    struct base_out out;
    base_out_grow(&out, HOST_FILE_LIMIT);
    uint64_t pages[2] = {0};
    enum err err = host_load("", "/proc/self/statm", &out);
    struct bytes text = base_out_bytes(&out);
    if (err == ERR_OK && !host_numbers(&text, pages, 2))
        err = ERR_SYNTAX;
    base_out_done(&out);
    if (err != ERR_OK)
        return err;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return ERR_IO;
    *ret_rss_kib = (int64_t)pages[1] * (sysconf(_SC_PAGESIZE) / 1024);
    *ret_cpu_us =
        (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
        usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    return ERR_OK;
}
