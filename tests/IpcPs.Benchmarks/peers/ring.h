/*
 * A plain ring in shared memory for one writer and one reader: no lock, no wake-up, nothing survived. What is fastest possible. And the
 * same ring for several of each, who take turns by a spin lock.
 */
#include "common.h"
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#define RING (1 << 20)

struct ring {
    _Alignas(128) _Atomic uint64_t tail;
    _Alignas(128) _Atomic uint64_t head;
    _Alignas(128) _Atomic int writing; /* the lock of the writers, and the head as they last saw it */
    uint64_t seen_head;
    _Alignas(128) _Atomic int reading; /* the lock of the readers, and the tail as they last saw it */
    uint64_t seen_tail;
    _Alignas(128) char data[RING];
};

struct side {
    struct ring *ring;
    uint64_t own, other; /* the other's position as last seen */
};

static inline uint64_t after(uint64_t at, uint32_t size)
{
    /* A message lies in one piece: what is too short at the ring's end is left out. */
    at += (4 + size + 7) & ~7u;
    return RING - (at & (RING - 1)) < 8 + size + 8 ? (at | (RING - 1)) + 1 : at;
}

static inline void put(struct side *s, const char *message, uint32_t size)
{
    while (s->own + 2 * (size + 16) - s->other > RING) s->other = atomic_load_explicit(&s->ring->head, memory_order_acquire);
    char *at = s->ring->data + (s->own & (RING - 1));
    memcpy(at, &size, 4);
    memcpy(at + 4, message, size);
    s->own = after(s->own, size);
    atomic_store_explicit(&s->ring->tail, s->own, memory_order_release);
}

static inline uint32_t get(struct side *s, char *message)
{
    uint32_t size;
    while (s->own == s->other) s->other = atomic_load_explicit(&s->ring->tail, memory_order_acquire);
    char *at = s->ring->data + (s->own & (RING - 1));
    memcpy(&size, at, 4);
    memcpy(message, at + 4, size);
    s->own = after(s->own, size);
    atomic_store_explicit(&s->ring->head, s->own, memory_order_release);
    return size;
}

/* More processes than cores: one that waits for long gives its core away. */
static inline void turn(_Atomic int *lock)
{
    for (int tries = 1; atomic_exchange_explicit(lock, 1, memory_order_acquire); tries++)
        if (tries % 64 == 0) sched_yield();
}

static inline void leave(_Atomic int *lock) { atomic_store_explicit(lock, 0, memory_order_release); }

/* A side is made for each message: the positions are those that the side before left. A side that finds the ring full, or empty, lets
 * the others try. */
static inline void put_in_turn(struct ring *ring, const char *message, uint32_t size)
{
    for (;;) {
        turn(&ring->writing);
        struct side side = {ring, atomic_load_explicit(&ring->tail, memory_order_relaxed), ring->seen_head};
        if (side.own + 2 * (size + 16) - side.other > RING)
            side.other = ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        int fits = side.own + 2 * (size + 16) - side.other <= RING;
        if (fits) put(&side, message, size);
        leave(&ring->writing);
        if (fits) return;
        sched_yield();
    }
}

static inline uint32_t get_in_turn(struct ring *ring, char *message)
{
    for (;;) {
        uint32_t size = 0;
        turn(&ring->reading);
        struct side side = {ring, atomic_load_explicit(&ring->head, memory_order_relaxed), ring->seen_tail};
        if (side.own == side.other) side.other = ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        int some = side.own != side.other;
        if (some) size = get(&side, message);
        leave(&ring->reading);
        if (some) return size;
        sched_yield();
    }
}

static struct ring *new_ring(void)
{
    struct ring *ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (ring == MAP_FAILED) die("mmap");
    return ring;
}
