/* model_near.c -- optimal string alignment distance, three rows at a time. */
#include "model/model_near.h"

#include <stdio.h>

enum { NEAR_MAX = 48 }; /* longer names are not compared */

static unsigned
near_min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned
near_distance(struct bytes a, struct bytes b)
{
    uint8_t rows[3][NEAR_MAX + 1];
    for (size_t j = 0; j <= b.size; j++)
        rows[0][j] = (uint8_t)j;
    for (size_t i = 1; i <= a.size; i++) {
        uint8_t *now = rows[i % 3];
        const uint8_t *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        now[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.size; j++) {
            bool same = a.at[i - 1] == b.at[j - 1];
            unsigned cost = up[j - 1] + (same ? 0u : 1u);
            cost = near_min(cost, near_min(up[j], now[j - 1]) + 1u);
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
                a.at[i - 2] == b.at[j - 1])
                cost = near_min(cost, up2[j - 2] + 1u);
            now[j] = (uint8_t)cost;
        }
    }
    return rows[a.size % 3][b.size];
}

void
model_near_init(struct model_near *near, struct bytes given)
{
    size_t third = given.size / 3;
    *near = (struct model_near){
        .given = given,
        .distance = (third ? (unsigned)third : 1) + 1,
    };
}

void
model_near_offer(struct model_near *near, const char *name)
{
    struct bytes known = base_bytes_text(name);
    if (near->given.size > NEAR_MAX || known.size > NEAR_MAX)
        return;
    unsigned distance = near_distance(near->given, known);
    if (distance < near->distance) {
        near->distance = distance;
        near->best = name;
    }
}

const char *
model_near_hint(struct model_near *near)
{
    if (near->best)
        snprintf(near->hint, sizeof near->hint, "; did you mean %s?",
                 near->best);
    return near->hint;
}
