/* model_figure.c -- adding measure states, and their canonical bytes. */
#include "model/model_figure.h"

enum { FIGURE_N_MAX = 1 << 20 };

static bool
figure_slot_fits(uint64_t n, __int128 sum)
{
    if (n > FIGURE_N_MAX)
        return false;
    __int128 most = (__int128)n * MODEL_FIGURE_UNIT_MAX;
    return sum <= most && sum >= -most;
}

enum err
model_figure_add(struct model_figure *total, const struct model_figure *part,
                 int sign)
{
    struct model_figure sum = *total;
    for (unsigned i = 0; i < MODEL_FIGURE_SLOTS; i++) {
        const struct model_figure_slot *from = &part->slots[i];
        struct model_figure_slot *to = &sum.slots[i];
        if (!(part->mask >> i & 1))
            continue;
        if (!figure_slot_fits(from->n, from->sum) ||
            (sign < 0 && from->n > to->n))
            return ERR_RANGE;
        to->n += sign < 0 ? -from->n : from->n;
        to->sum += sign < 0 ? -from->sum : from->sum;
        if (!figure_slot_fits(to->n, to->sum))
            return ERR_RANGE;
        uint64_t bit = UINT64_C(1) << i;
        sum.mask = to->n ? sum.mask | bit : sum.mask & ~bit;
    }
    *total = sum;
    return ERR_OK;
}

bool
model_figure_equal(const struct model_figure *a, const struct model_figure *b)
{
    if (a->mask != b->mask)
        return false;
    for (unsigned i = 0; i < MODEL_FIGURE_SLOTS; i++)
        if ((a->mask >> i & 1) && (a->slots[i].n != b->slots[i].n ||
                                   a->slots[i].sum != b->slots[i].sum))
            return false;
    return true;
}

void
model_figure_write(struct base_out *out, const struct model_figure *figure,
                   unsigned slot_count)
{
    for (unsigned i = 0; i < slot_count; i += 8)
        base_out_u8(out, (uint8_t)(figure->mask >> i));
    for (unsigned i = 0; i < slot_count; i++) {
        if (!(figure->mask >> i & 1))
            continue;
        base_out_varint(out, figure->slots[i].n);
        base_out_zigzag128(out, figure->slots[i].sum);
    }
}

void
model_figure_read(struct base_cur *cur, struct model_figure *ret_figure,
                  unsigned slot_count)
{
    *ret_figure = (struct model_figure){0};
    uint64_t mask = 0;
    for (unsigned i = 0; i < slot_count; i += 8)
        mask |= (uint64_t)base_cur_u8(cur) << i;
    if (slot_count < 64 && mask >> slot_count)
        base_cur_fail(cur, ERR_SYNTAX);
    for (unsigned i = 0; i < slot_count && base_cur_ok(cur); i++) {
        struct model_figure_slot *slot = &ret_figure->slots[i];
        if (!(mask >> i & 1))
            continue;
        slot->n = base_cur_varint(cur);
        slot->sum = base_cur_zigzag128(cur);
        if (base_cur_ok(cur) &&
            (slot->n == 0 || !figure_slot_fits(slot->n, slot->sum)))
            base_cur_fail(cur, ERR_RANGE);
    }
    ret_figure->mask = mask;
}
