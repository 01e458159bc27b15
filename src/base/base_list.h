/* base_list.h -- doubly linked lists whose links live in their members.
 *
 * Memory   nothing is allocated; a member is in at most one list per link.
 *          An unlinked link has next == NULL. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base_mem.h"

struct base_link {
    struct base_link *prev, *next;
};

/* The head is a link too. */
static inline void
base_list_init(struct base_link *head)
{
    head->prev = head->next = head;
}

static inline bool
base_list_empty(const struct base_link *head)
{
    return head->next == head;
}

static inline bool
base_list_in(const struct base_link *link)
{
    return link->next != NULL;
}

static inline void
base_list_add(struct base_link *head, struct base_link *link) /* at the end */
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void
base_list_remove(struct base_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

static inline struct base_link *
base_list_take(struct base_link *head) /* the first, or NULL */
{
    struct base_link *link = head->next;
    if (link == head)
        return NULL;
    head->next = link->next;
    link->next->prev = head;
    link->prev = link->next = NULL;
    return link;
}

#endif
