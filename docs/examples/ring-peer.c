/*
 * A participant in an IpcPs ring (docs/wire-format.md, "Rings"), for rings that deliver each message to one reader.
 *
 *     gcc -O2 -o ring-peer ring-peer.c
 *     ./ring-peer read NAME        prints each message that it receives as a line, until the end of the stream
 *     ./ring-peer write NAME       sends each line of its standard input as a message
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Offsets in the file. */
enum { TAIL = 0x80, HEAD = 0x100, WRITER_LOCK = 0x180, READER_LOCK = 0x200, DATA_WORD = 0x280, SPACE_WORD = 0x300,
       LAST_TOKEN = 0x380, WRITERS_EVER = 0x384, READERS_EVER = 0x388, DATA = 0x10000 };
/* Locked bytes of the file, from BYTES on: held by every participant, every writer, every reader; by the one that attaches or detaches. */
enum { PARTICIPANTS, WRITERS, READERS, MEMBERSHIP };
#define BYTES (1LL << 40)
#define TOKENS (1LL << 41)

static int fd;
static char *ring;
static uint64_t capacity;
static uint32_t token;
static char path[512];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void fail(const char *message)
{
    fprintf(stderr, "%s\n", message);
    exit(1);
}

static _Atomic uint32_t *word(int at) { return (_Atomic uint32_t *)(ring + at); }
static _Atomic uint64_t *position(int at) { return (_Atomic uint64_t *)(ring + at); }

static int lock_byte(int command, short type, int64_t at)
{
    struct flock range = {.l_type = type, .l_start = at, .l_len = 1};
    if (fcntl(fd, command, &range) != 0) return -1;
    return command != F_OFD_GETLK || range.l_type != F_UNLCK;   /* F_OFD_GETLK: whether another participant has it */
}

static int is_locked(int64_t at) { return lock_byte(F_OFD_GETLK, F_WRLCK, at) == 1; }

static void sleep_on(int at, uint32_t value, long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    syscall(SYS_futex, word(at), FUTEX_WAIT, value, &time, NULL, 0);
}

static uint32_t announce(int at)
{
    for (;;) {
        uint32_t value = atomic_load(word(at));
        if (value & 1 || atomic_compare_exchange_strong(word(at), &value, value + 1)) return value | 1;
    }
}

static void wake(int at)
{
    uint32_t value = atomic_load(word(at));
    if (!(value & 1) || !atomic_compare_exchange_strong(word(at), &value, value + 1)) return;
    syscall(SYS_futex, word(at), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* The first sleep is short, because a waker may have missed the announcement (docs/wire-format.md). */
static void sleep_again(int at, uint32_t expected)
{
    static uint32_t last;
    sleep_on(at, expected, expected == last ? 1000 : 1);
    last = expected;
}

static void lock(int at)
{
    uint32_t found = 0;
    if (atomic_compare_exchange_strong(word(at), &found, token)) return;
    for (;;) {
        uint32_t expected = announce(at + 4), owner = atomic_load(word(at));
        if (owner != 0 && owner != token && is_locked(TOKENS + owner)) sleep_on(at + 4, expected, 10);
        else if (atomic_compare_exchange_strong(word(at), &owner, token)) return;
    }
}

static void unlock(int at)
{
    atomic_store(word(at), 0);
    wake(at + 4);
}

static void attach(const char *name)
{
    struct stat opened, named;
    char header[0x400];
    snprintf(path, sizeof path, "/dev/shm/ipcps-ring.%s", name);
    for (int same = 0; !same;) {
        if ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0) die(path);
        if (lock_byte(F_OFD_SETLKW, F_WRLCK, BYTES + MEMBERSHIP) < 0) die("fcntl");
        if (lock_byte(F_OFD_SETLK, F_RDLCK, BYTES + PARTICIPANTS) < 0) die("fcntl");
        same = fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino;
        lock_byte(F_OFD_SETLK, F_UNLCK, BYTES + MEMBERSHIP);
        if (!same) close(fd);
    }
    uint32_t version, delivery;
    if (pread(fd, header, sizeof header, 0) != sizeof header) die("pread");
    memcpy(&version, header + 8, 4);
    memcpy(&delivery, header + 12, 4);
    memcpy(&capacity, header + 16, 8);
    if (memcmp(header, "IPCPRING", 8) != 0 || version != 1 || delivery != 0 || capacity < 65536 || capacity > 1 << 30
        || capacity & (capacity - 1) || (uint64_t)opened.st_size != DATA + capacity) {
        fprintf(stderr, "%s is not a ring that delivers each message to one reader\n", path);
        exit(1);
    }
    /* The messages are mapped twice in a row, so that each one is in one piece. */
    ring = mmap(NULL, DATA + 2 * capacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED || mmap(ring, DATA + capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED
        || mmap(ring + DATA + capacity, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, DATA) == MAP_FAILED) die("mmap");
    for (;;) {
        token = (atomic_fetch_add(word(LAST_TOKEN), 1) + 1) & 0x7fffffff;
        if (token == 0 || lock_byte(F_OFD_SETLK, F_WRLCK, TOKENS + token) < 0) continue;
        if (atomic_load(word(WRITER_LOCK)) != token && atomic_load(word(READER_LOCK)) != token) return;
        lock_byte(F_OFD_SETLK, F_UNLCK, TOKENS + token);
    }
}

static void detach(int side, int others)
{
    lock_byte(F_OFD_SETLK, F_UNLCK, BYTES + side);
    wake(others);
    lock_byte(F_OFD_SETLKW, F_WRLCK, BYTES + MEMBERSHIP);
    lock_byte(F_OFD_SETLK, F_UNLCK, BYTES + PARTICIPANTS);
    if (!(atomic_load(word(0x20)) & 1) && !is_locked(BYTES + PARTICIPANTS)) unlink(path);
    close(fd);
}

static void damaged(void)
{
    fail("The ring is damaged.");
}

static void send_message(const char *message, uint32_t length)
{
    uint64_t size = 8 + ((length + 7) & ~7ull);
    uint32_t expected = 0;
    if (length > capacity / 2 - 16) fail("The message is too large.");
    for (;;) {
        lock(WRITER_LOCK);
        uint64_t tail = atomic_load(position(TAIL)), used = tail - atomic_load(position(HEAD));
        if (used > capacity || tail & 7) damaged();
        if (used + size + 8 <= capacity) {
            char *at = ring + DATA + (tail & (capacity - 1));
            memcpy(at, &(uint64_t){length}, 8);
            memcpy(at + 8, message, length);
            atomic_store(position(TAIL), tail + size);
            unlock(WRITER_LOCK);
            wake(DATA_WORD);
            return;
        }
        unlock(WRITER_LOCK);
        if (expected) sleep_again(SPACE_WORD, expected);
        expected = expected ? 0 : announce(SPACE_WORD);
    }
}

/* Returns the length, or -1 at the end of the stream. */
static long receive_message(char *message)
{
    uint32_t expected = 0;
    int last_look = 0;
    for (;;) {
        lock(READER_LOCK);
        uint64_t head = atomic_load(position(HEAD)), there = atomic_load(position(TAIL)) - head;
        if (there != 0) {
            char *at = ring + DATA + (head & (capacity - 1) & ~7ull);
            uint32_t length = *(volatile uint32_t *)at;
            uint64_t size = 8 + ((length + 7ull) & ~7ull);
            if (there > capacity || head & 7 || length > capacity / 2 - 16 || size > there) damaged();
            memcpy(message, at + 8, length);
            atomic_store(position(HEAD), head + size);
            unlock(READER_LOCK);
            wake(SPACE_WORD);
            return length;
        }
        unlock(READER_LOCK);
        if (last_look) return -1;
        if (!expected) {
            expected = announce(DATA_WORD);
        } else if (atomic_load(word(WRITERS_EVER)) != 0 && !is_locked(BYTES + WRITERS)) {
            last_look = 1;
        } else {
            sleep_again(DATA_WORD, expected);
            expected = 0;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[1], "read") != 0 && strcmp(argv[1], "write") != 0)) {
        fprintf(stderr, "usage: ring-peer read|write NAME\n");
        return 2;
    }
    int reads = argv[1][0] == 'r';
    attach(argv[2]);
    if (lock_byte(F_OFD_SETLK, F_RDLCK, BYTES + (reads ? READERS : WRITERS)) < 0) die("fcntl");
    atomic_fetch_add(word(reads ? READERS_EVER : WRITERS_EVER), 1);
    if (reads) {
        char *message = malloc(capacity);
        if (!message) die("malloc");
        for (long length; (length = receive_message(message)) >= 0;) printf("%.*s\n", (int)length, message);
    } else {
        char *line = NULL;
        size_t size = 0;
        for (ssize_t length; (length = getline(&line, &size, stdin)) > 0;) send_message(line, length - (line[length - 1] == '\n'));
    }
    detach(reads ? READERS : WRITERS, reads ? SPACE_WORD : DATA_WORD);
    return 0;
}
