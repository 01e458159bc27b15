/* model_label.c -- label sets. */
#include "model/model_label.h"

#include <stdlib.h>

static int
label_compare(const void *a, const void *b)
{
    const struct model_label *x = a, *y = b;
    return base_bytes_compare(x->name, y->name);
}

static enum err
label_check(const struct model_label *label, size_t *total,
            struct base_note *note)
{
    char name[64];
    base_bytes_string(label->name, name, sizeof name);
    if (label->name.size == 0)
        return base_err_note(note, ERR_LABEL, "a label without a name");
    if (!base_bytes_utf8(label->name) || !base_bytes_utf8(label->value) ||
        base_bytes_find(label->name, 0) < label->name.size ||
        base_bytes_find(label->value, 0) < label->value.size)
        return base_err_note(note, ERR_LABEL,
                             "a label is not UTF-8 text without NUL");
    if (label->value.size == 0)
        return base_err_note(note, ERR_LABEL, "label %s is empty", name);
    *total += label->name.size + label->value.size;
    if (label->name.size > MODEL_LABEL_NAME ||
        label->value.size > MODEL_LABEL_VALUE || *total > MODEL_LABEL_SET)
        return base_err_note(note, ERR_LIMIT,
                             "label %s is too long: a name has at most %d "
                             "bytes, a value %d, a set %d",
                             name, MODEL_LABEL_NAME, MODEL_LABEL_VALUE,
                             MODEL_LABEL_SET);
    return ERR_OK;
}

enum err
model_label_set(struct base_arena *arena, const struct model_label *labels,
                unsigned count, const struct model_labels **ret_labels,
                struct base_note *note)
{
    if (count > MODEL_LABEL_MAX)
        return base_err_note(note, ERR_LIMIT, "%u labels: at most %d", count,
                             MODEL_LABEL_MAX);
    size_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        enum err err = label_check(&labels[i], &total, note);
        if (err != ERR_OK)
            return err;
    }
    struct model_labels *set = base_arena_alloc(
        arena, sizeof *set + count * sizeof(struct model_label));
    if (!set)
        return base_err_note(note, ERR_LIMIT, "no room for the labels");
    set->count = count;
    for (unsigned i = 0; i < count; i++) {
        set->at[i].name = base_arena_bytes(arena, labels[i].name);
        set->at[i].value = base_arena_bytes(arena, labels[i].value);
        if (!set->at[i].name.at || !set->at[i].value.at)
            return base_err_note(note, ERR_LIMIT, "no room for the labels");
    }
    if (count)
        qsort(set->at, count, sizeof set->at[0], label_compare);
    for (unsigned i = 1; i < count; i++)
        if (label_compare(&set->at[i - 1], &set->at[i]) == 0)
            return base_err_note(note, ERR_LABEL, "label %.*s stands twice",
                                 (int)set->at[i].name.size,
                                 (const char *)set->at[i].name.at);
    *ret_labels = set;
    return ERR_OK;
}

struct bytes
model_label_get(const struct model_labels *labels, struct bytes name)
{
    for (uint32_t i = 0; i < labels->count; i++)
        if (base_bytes_equal(labels->at[i].name, name))
            return labels->at[i].value;
    return (struct bytes){NULL, 0};
}

int
model_label_compare(const struct model_labels *a, const struct model_labels *b)
{
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        int order = base_bytes_compare(a->at[i].name, b->at[i].name);
        if (order == 0)
            order = base_bytes_compare(a->at[i].value, b->at[i].value);
        if (order != 0)
            return order;
    }
    return (a->count > b->count) - (a->count < b->count);
}
