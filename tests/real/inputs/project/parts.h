/* parts.h - what the parts of the small project share. */
struct list {
    struct list *next;
    int number;
};
struct list *list_of(int count);
int table_sum(const struct list *list);
char *text_of(int number);
