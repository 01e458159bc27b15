/* model_cells.c -- see model_cells.h. */
#include "model/model_cells.h"

#include <stdio.h>
#include <string.h>

#include "model/model_near.h"

enum { CELLS_LISTED = 8 }; /* codes that a note names */

static enum err
cells_no_dim(const struct model_pack *pack, struct bytes name,
             struct base_note *note)
{
    struct model_near near;
    char known[MODEL_PACK_DIMS * 40] = "";
    size_t size = 0;
    if (pack->dim_count == 0)
        return base_err_note_at(note, ERR_NAME, "cell", 0, 0,
                                "pack %s has no dims: it has one cell only",
                                pack->name);
    model_near_init(&near, name);
    for (unsigned d = 0; d < pack->dim_count; d++) {
        model_near_offer(&near, pack->dims[d].name);
        size += (size_t)snprintf(known + size, sizeof known - size, "%s%s",
                                 d ? ", " : "", pack->dims[d].name);
    }
    return base_err_note_at(
        note, ERR_NAME, "cell", 0, 0, "pack %s has no dim \"%.*s\"%s; %s %s",
        pack->name, (int)(name.size < 64 ? name.size : 64),
        (const char *)name.at, model_near_hint(&near),
        pack->dim_count == 1 ? "its only one is" : "its dims are", known);
}

/* The nearest by spelling, else the first that begins so: 31 of 310000. */
static const char *
cells_hint(const struct model_code_list *list, struct bytes code,
           struct model_near *near)
{
    model_near_init(near, code);
    for (uint32_t i = 0; i < list->count && code.size > 0; i++)
        model_near_offer(near, list->at[i].code);
    for (uint32_t i = 0; i < list->count && !near->best && code.size > 0; i++)
        if (strlen(list->at[i].code) > code.size &&
            memcmp(list->at[i].code, code.at, code.size) == 0)
            near->best = list->at[i].code;
    return model_near_hint(near);
}

static enum err
cells_no_code(const struct model_pack_dim *dim, struct bytes code,
              struct base_note *note)
{
    const struct model_code_list *list = dim->entries;
    struct model_near near;
    char known[CELLS_LISTED * (MODEL_CODE_TEXT + 2) + 1] = "", more[32] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < list->count && i < CELLS_LISTED; i++)
        size += (size_t)snprintf(known + size, sizeof known - size, "%s%s",
                                 i ? ", " : "", list->at[i].code);
    if (list->count > CELLS_LISTED)
        snprintf(more, sizeof more, " and %u more", list->count - CELLS_LISTED);
    return base_err_note_at(
        note, ERR_NAME, "cell", 0, 0,
        "dim %s has no code \"%.*s\"%s; there are %s%s", dim->name,
        (int)(code.size < MODEL_CODE_TEXT ? code.size : MODEL_CODE_TEXT),
        (const char *)code.at, cells_hint(list, code, &near), known, more);
}

/* One DIM=CODE. */
static enum err
cells_pair(struct bytes pair, struct model_cells *cells, struct base_note *note)
{
    const struct model_pack *pack = cells->pack;
    const uint8_t *equals =
        pair.size > 0 ? memchr(pair.at, '=', pair.size) : NULL;
    if (!equals)
        return base_err_note_at(note, ERR_SYNTAX, "cell", 0, 0,
                                "\"%.*s\" is no DIM=CODE; several are parted "
                                "by commas: ind=C36,region=310000",
                                (int)(pair.size < 64 ? pair.size : 64),
                                (const char *)pair.at);
    size_t at = (size_t)(equals - pair.at);
    struct bytes name = base_bytes_slice(pair, 0, at);
    struct bytes code = base_bytes_slice(pair, at + 1, pair.size - at - 1);
    int dim = model_pack_dim_find(pack, name);
    if (dim < 0)
        return cells_no_dim(pack, name, note);
    if (cells->codes[dim])
        return base_err_note_at(note, ERR_SYNTAX, "cell", 0, 0,
                                "dim %s is named twice", pack->dims[dim].name);
    cells->codes[dim] = model_code_find(pack->dims[dim].entries, code, NULL);
    if (!cells->codes[dim])
        return cells_no_code(&pack->dims[dim], code, note);
    cells->count++;
    return ERR_OK;
}

enum err
model_cells_read(struct bytes text, const struct model_pack *pack,
                 struct model_cells *ret_cells, struct base_note *note)
{
    struct model_cells cells = {.pack = pack};
    enum err err = ERR_OK;
    *ret_cells = cells;
    for (size_t at = 0; err == ERR_OK && text.size > 0 && at <= text.size;) {
        struct bytes rest = base_bytes_slice(text, at, text.size - at);
        const uint8_t *comma =
            rest.size > 0 ? memchr(rest.at, ',', rest.size) : NULL;
        size_t size = comma ? (size_t)(comma - rest.at) : rest.size;
        err = cells_pair(base_bytes_slice(rest, 0, size), &cells, note);
        at += size + 1;
    }
    if (err == ERR_OK)
        *ret_cells = cells;
    return err;
}

bool
model_cells_have(const struct model_cells *cells, uint32_t cell)
{
    if (!cells || cells->count == 0)
        return true;
    if (cell >= cells->pack->cells)
        return false;
    for (unsigned d = 0; d < cells->pack->dim_count; d++) {
        const struct model_code *all = cells->pack->dims[d].entries->at;
        const struct model_code *code =
            model_pack_cell_code(cells->pack, cell, d);
        while (cells->codes[d] && code != cells->codes[d]) {
            if (code->parent < 0)
                return false;
            code = &all[code->parent];
        }
    }
    return true;
}

void
model_cells_write(const struct model_cells *cells, struct base_out *out)
{
    for (unsigned d = 0, count = 0; d < MODEL_PACK_DIMS; d++)
        if (cells->codes[d])
            base_out_format(out, "%s%s=%s", count++ ? "," : "",
                            cells->pack->dims[d].name, cells->codes[d]->code);
}
