/* device.c - see device.h.
 * SPDX-License-Identifier: MIT */
#include "engine/account/device.h"

#include "base/memory.h"
#include "base/printable.h"
#include "base/suffix.h"
#include "base/utf8.h"
#include "engine/pool.h"
#include "kernels/kernel.h"
#include "kernels/type.h"
#include "loader/file.h"
#include "tensor/linear.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Keys ---- */

/* A pattern's parts are separated by dots: literal words, or a word in capitals that stands for one of a set. */
static const struct key_rule {
    const char *pattern, *unit;
    double min, max;
} key_rules[] = {
    {"cores", "1", 1, DEVICE_MAX_THREADS},
    {"llc", "B", 0, 1e12},
    {"memory", "B", 1e6, 1e15},
    {"exponent", "1", 1, INFINITY},
    {"noise", "1", 0, 10},
    {"load.arithmetic", "1", 1, 1e3},
    {"load.memory", "1", 1, 1e3},
    {"read_bandwidth.THREADS", "B/s", 1e6, 1e15},
    {"read_peak.THREADS", "B/s", 1e6, 1e15},
    {"read_cache.SIZE.THREADS", "B/s", 1e6, 1e15},
    {"linear.TYPE.PHASE.THREADS", "FLOP/s", 1e3, 1e18},
    {"linear.TYPE.stream.THREADS", "FLOP/s", 1e3, 1e18},
    {"linear.TYPE.group.THREADS", "FLOP/s", 1e3, 1e18},
    {"linear.TYPE.unpack.THREADS", "s", 0, 1},
    {"linear.TYPE.unpack.memory.THREADS", "s", 0, 1},
    {"linear.TYPE.few", "1", 1, LINEAR_MAX_FEW},
    {"attend.KV.PHASE.THREADS", "FLOP/s", 1e3, 1e18},
    {"attend.KV.score.PHASE.THREADS", "s", 0, 1},
    {"attend.KV.strip", "1", 1, 1024},
    {"attend.KV.edge.PHASE.THREADS", "1", 0, 1e9},
    {"vector.OP.PHASE.THREADS", "B/s", 1e3, 1e18},
    {"peak.i8.THREADS", "FLOP/s", 1e3, 1e18},
    {"peak.f32.THREADS", "FLOP/s", 1e3, 1e18},
    {"stage.THREADS", "s", 0, 1},
    {"pace.PHASE.THREADS", "s", 1e-9, 1e3},
    {"picture.open", "s", 0, 1e3},
    {"picture.pixel", "s", 0, 1},
    {"picture.output", "s", 0, 1},
    {"picture.tap", "s", 0, 1},
    {"interval95.THREADS", "1", 0, 1e3},
    {"energy.idle", "W", 0, 1e5},
    {"energy.active", "W", 0, 1e5},
    {"energy.byte", "J/B", 0, 1e-3},
    {"energy.linear.TYPE", "J/FLOP", 0, 1e-3},
    {"energy.attend", "J/FLOP", 0, 1e-3},
    {"energy.vector", "J/B", 0, 1e-3},
    {"energy.idle.BOUND", "W", 0, 1e5},
    {"energy.active.BOUND", "W", 0, 1e5},
    {"energy.byte.BOUND", "J/B", 0, 1e-3},
    {"energy.linear.TYPE.BOUND", "J/FLOP", 0, 1e-3},
    {"energy.attend.BOUND", "J/FLOP", 0, 1e-3},
    {"energy.vector.BOUND", "J/B", 0, 1e-3},
    {"energy.interval95", "1", 0, 10},
    {"energy.gain_error", "1", 0, 1},
};
enum { N_RULES = sizeof key_rules / sizeof key_rules[0] };

static const char *const counts[] = {"cores", "linear.TYPE.few", "attend.KV.strip", NULL}; /* patterns of whole numbers */
static const char *const kv_words[] = {"f32", "f16", "q8_0", NULL};
static const char *const bound_words[] = {"low95", "high95", NULL};
static const char *const phase_words[] = {"decode", "prefill", NULL};
static const char *const vector_words[] = {"embed", "angles", "norm",   "quantise", "rope",        "store",      "glu",
                                           "add",   "gather", "patches", "grid_angles", "layer_norm", "act", NULL};

static bool is_among(const char *const *words, const char *s, size_t n)
{
    for (; *words; words++)
        if (strlen(*words) == n && !memcmp(*words, s, n)) return true;
    return false;
}

/* A weight type by the name its kernels have. */
static bool is_type(const char *s, size_t n)
{
    for (unsigned t = 0; t < TYPE_FILE_END; t++) {
        const struct type_info *info = type_get(t);
        if (info && info->op && strlen(info->op) == n && !memcmp(info->op, s, n)) return true;
    }
    return false;
}

static bool is_threads(const char *s, size_t n)
{
    int v = 0;
    if (n == 0 || n > 4 || s[0] == '0') return false;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i])) return false;
        v = v * 10 + (s[i] - '0');
    }
    return v <= DEVICE_MAX_THREADS;
}

/* Kibibytes, "64K" */
static bool is_size(const char *s, size_t n)
{
    size_t digits = strspn(s, "0123456789");
    return n > 1 && n < 12 && s[0] != '0' && digits == n - 1 && s[digits] == 'K';
}

static bool part_fits(const char *want, size_t n_want, const char *s, size_t n)
{
    if (n_want == 7 && !memcmp(want, "THREADS", 7)) return is_threads(s, n);
    if (n_want == 4 && !memcmp(want, "SIZE", 4)) return is_size(s, n);
    if (n_want == 4 && !memcmp(want, "TYPE", 4)) return is_type(s, n);
    if (n_want == 5 && !memcmp(want, "PHASE", 5)) return is_among(phase_words, s, n);
    if (n_want == 5 && !memcmp(want, "BOUND", 5)) return is_among(bound_words, s, n);
    if (n_want == 2 && !memcmp(want, "KV", 2)) return is_among(kv_words, s, n);
    if (n_want == 2 && !memcmp(want, "OP", 2)) return is_among(vector_words, s, n);
    return n == n_want && !memcmp(want, s, n);
}

static const struct key_rule *find_rule(const char *key)
{
    if (strlen(key) >= DEVICE_KEY) return NULL;
    for (size_t i = 0; i < N_RULES; i++) {
        const char *p = key_rules[i].pattern, *k = key;
        for (;;) {
            size_t np = strcspn(p, "."), nk = strcspn(k, ".");
            if (!part_fits(p, np, k, nk) || (p[np] == '.') != (k[nk] == '.')) break;
            if (!p[np]) return &key_rules[i];
            p += np + 1;
            k += nk + 1;
        }
    }
    return NULL;
}

const char *device_unit(const char *key)
{
    const struct key_rule *r = find_rule(key);
    return r ? r->unit : NULL;
}

/* ---- The table ---- */

void device_free(struct device *d)
{
    free(d->entries);
    *d = (struct device){0};
}

static struct device_entry *find_entry(const struct device *d, const char *key)
{
    for (size_t i = 0; i < d->n; i++)
        if (!strcmp(d->entries[i].key, key)) return &d->entries[i];
    return NULL;
}

bool device_set(struct device *d, const char *key, double value, enum provenance from, const char *source, struct error *e)
{
    const struct key_rule *r = find_rule(key);
    if (!r) return fail(e, "found key '%.60s', expected one that a device profile has", key);
    if (!(value >= r->min && value <= r->max))
        return fail(e, "%s: found %g, expected %g to %g%s%s", key, value, r->min, r->max, strcmp(r->unit, "1") ? " " : "",
                    strcmp(r->unit, "1") ? r->unit : "");
    if (is_among(counts, r->pattern, strlen(r->pattern)) && value != floor(value))
        return fail(e, "%s: found %g, expected a whole number", key, value);
    struct device_entry *entry = find_entry(d, key);
    if (!entry) {
        if (d->n == DEVICE_MAX_ENTRIES)
            return fail(e, "%s: found an entry after the first %d, expected no more", key, DEVICE_MAX_ENTRIES);
        struct device_entry *p = memory_grow(d->entries, &d->allocated, d->n + 1, sizeof *p);
        if (!p) return fail(e, "device profile: found no memory for %zu entries", d->n + 1);
        d->entries = p;
        entry = &d->entries[d->n++];
    }
    snprintf(entry->key, sizeof entry->key, "%s", key);
    snprintf(entry->source, sizeof entry->source, "%s", source ? source : "");
    entry->value = value;
    entry->from = from;
    entry->line = 0;
    return true;
}

void device_clear(struct device *d, const char *prefix)
{
    size_t kept = 0, length = strlen(prefix);
    for (size_t i = 0; i < d->n; i++)
        if (strncmp(d->entries[i].key, prefix, length)) d->entries[kept++] = d->entries[i];
    d->n = kept;
}

double device_get(const struct device *d, const char *key)
{
    const struct device_entry *entry = find_entry(d, key);
    return entry ? entry->value : NAN;
}

double device_rate(const struct device *d, const char *key, int threads)
{
    int below = 0, above = 0;
    double low = NAN, high = NAN;
    size_t n = strlen(key);
    for (size_t i = 0; i < d->n; i++) {
        const struct device_entry *entry = &d->entries[i];
        if (strncmp(entry->key, key, n) || entry->key[n] != '.' || !is_threads(entry->key + n + 1, strlen(entry->key + n + 1)))
            continue;
        int t = atoi(entry->key + n + 1);
        if (t <= threads && t > below) below = t, low = entry->value;
        if (t >= threads && (!above || t < above)) above = t, high = entry->value;
    }
    if (below == above) return low; /* measured with just as many threads, or NAN where nothing was found */
    if (!below || !above) return NAN;
    return low + (high - low) * (threads - below) / (above - below);
}

/* ---- The file ---- */

static const char *const provenance_words[] = {
    [ASSUMED] = "assumed", [MEASURED] = "measured", [PUBLISHED] = "published", [FITTED] = "fitted"};

const char *device_provenance(enum provenance from)
{
    return provenance_words[from];
}

void device_print(const struct device *d, FILE *f)
{
    fprintf(f, "# hartree device profile: key = value # unit, provenance\nname = %s\nisa = %s\ndate = %s\n", d->name, d->isa,
            d->date);
    if (*d->build) fprintf(f, "build = %s\n", d->build);
    for (size_t i = 0; i < d->n; i++) {
        const struct device_entry *entry = &d->entries[i];
        /* Nine digits carry any measurement; more only where the value would not read back the same. */
        char number[32];
        snprintf(number, sizeof number, "%.9g", entry->value);
        if (strtod(number, NULL) != entry->value) snprintf(number, sizeof number, "%.17g", entry->value);
        fprintf(f, "%s = %s # %s, ", entry->key, number, device_unit(entry->key));
        fprintf(f, "%s%s%s\n", device_provenance(entry->from), *entry->source ? " " : "", entry->source);
    }
}

bool device_save(const struct device *d, const char *path, struct error *e)
{
    struct file_output *o = file_output_open(path, e);
    if (!o) return false;
    device_print(d, file_output_stream(o));
    return file_output_commit(o, e);
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) s++;
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1])) s[--n] = 0;
    return s;
}

static bool parse_provenance(char *comment, const char *unit, enum provenance *from, const char **source, struct error *e)
{
    char *comma = strchr(comment, ',');
    if (!comma) return fail(e, "found '# %.60s', expected '# %s, provenance'", trim(comment), unit);
    *comma = 0;
    char *found_unit = trim(comment), *word = trim(comma + 1);
    if (strcmp(found_unit, unit)) return fail(e, "found unit '%.60s', expected '%s'", found_unit, unit);
    size_t n = strcspn(word, " ");
    for (*from = ASSUMED; *from <= FITTED; ++*from)
        if (strlen(provenance_words[*from]) == n && !memcmp(provenance_words[*from], word, n)) break;
    bool needs_source = *from == PUBLISHED || *from == FITTED;
    if (*from > FITTED || needs_source != (word[n] == ' ') || strlen(word + n) > DEVICE_SOURCE)
        return fail(e, "found provenance '%.60s', expected measured, assumed, published SOURCE or fitted SOURCE", word);
    *source = trim(word + n);
    return true;
}

/* A profile may be anybody's, and its texts are printed. */
static bool is_printable(const char *text, const char *key, struct error *e)
{
    for (size_t n = strlen(text), at = 0, len; at < n; at += len)
        if (!(len = printable_length(text + at, n - at)))
            return fail(e, "%s: found a byte %02x, expected printable text", key, (unsigned char)text[at]);
    return true;
}

static bool parse_line(struct device *d, char *line, int number, struct error *e)
{
    char *equals = strchr(line, '=');
    if (!equals) return fail(e, "found '%.60s', expected key = value", line);
    *equals = 0;
    char *key = trim(line), *value = trim(equals + 1);
    const struct {
        const char *key;
        char *text;
    } texts[] = {{"name", d->name}, {"isa", d->isa}, {"date", d->date}, {"build", d->build}};
    char *text = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(key, texts[i].key)) text = texts[i].text;
    if (text) {
        if (*text) return fail(e, "found a second '%s', expected one", key);
        if (!*value || strlen(value) >= DEVICE_TEXT)
            return fail(e, "%s: found %zu characters, expected 1 to %d", key, strlen(value), DEVICE_TEXT - 1);
        if (strchr(value, '#')) return fail(e, "%s: found '#', expected no comment behind a text", key);
        if (!is_printable(value, key, e)) return false;
        strcpy(text, value);
        return true;
    }
    const char *unit = device_unit(key);
    if (!unit) return fail(e, "found key '%.60s', expected one that a device profile has", key);
    if (find_entry(d, key)) return fail(e, "found a second '%s', expected one", key);
    char *comment = strchr(value, '#');
    if (!comment) return fail(e, "%s: found no comment, expected '# %s, provenance'", key, unit);
    *comment++ = 0;
    value = trim(value);
    char *end;
    double v = strtod(value, &end);
    if (end == value || *end) return fail(e, "%s: found '%.60s', expected a number", key, value);
    enum provenance from = ASSUMED;
    const char *source = "";
    if (!parse_provenance(comment, unit, &from, &source, e) || !is_printable(source, key, e) ||
        !device_set(d, key, v, from, source, e))
        return false;
    d->entries[d->n - 1].line = number;
    return true;
}

/* Everything that a prediction can't do without, whatever the model. */
static bool is_complete(const struct device *d, struct error *e)
{
    static const char *const numbers[] = {"cores", "llc", "exponent", "noise"};
    static const char *const rates[] = {"read_bandwidth", "read_peak", "stage"};
    const char *missing = !*d->name ? "name" : !*d->isa ? "isa" : !*d->date ? "date" : NULL;
    for (size_t i = 0; !missing && i < 4; i++)
        if (isnan(device_get(d, numbers[i]))) missing = numbers[i];
    if (missing) return fail(e, "end of file: found no key '%s', expected one", missing);
    int found = 0;
    for (int t = 1; t <= DEVICE_MAX_THREADS; t++) {
        char key[DEVICE_KEY];
        const char *absent = NULL;
        int n = 0;
        for (int i = 0; i < 3; i++) {
            snprintf(key, sizeof key, "%s.%d", rates[i], t);
            if (isnan(device_get(d, key)))
                absent = rates[i];
            else
                n++;
        }
        if (n && absent) return fail(e, "end of file: found no key '%s.%d', expected one", absent, t);
        found += n;
    }
    return found || fail(e, "end of file: found no key 'read_bandwidth.1', expected one");
}

/* An interval's end has to lie on its side of the value: what a prediction's joules may be off by are the distances between
 * them (energy_terms.h). `hartree fit` writes intervals that hold their value (fit.h). */
static bool holds_value(const struct device *d, const struct device_entry *end, struct error *e)
{
    bool low = ends_with(end->key, ".low95");
    if (!low && !ends_with(end->key, ".high95")) return true;
    char key[DEVICE_KEY];
    snprintf(key, sizeof key, "%.*s", (int)(strrchr(end->key, '.') - end->key), end->key);
    double value = device_get(d, key);
    if (isnan(value)) return fail(e, "line %d: %s: found no '%s' that it is an end of, expected one", end->line, end->key, key);
    return (low ? end->value <= value : end->value >= value) ||
           fail(e, "line %d: %s: found %.9g, expected at %s %s = %.9g", end->line, end->key, end->value, low ? "most" : "least",
                key, value);
}

/* No figure may be above the bound that the profile itself sets, nor outside of its own interval. */
static bool is_consistent(const struct device *d, struct error *e)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct device_entry *entry = &d->entries[i];
        const char *key = entry->key, *threads = strrchr(key, '.');
        if (!threads) continue;
        if (!holds_value(d, entry, e)) return false;
        bool bandwidth = !strncmp(key, "read_bandwidth.", 15), linear = !strncmp(key, "linear.", 7);
        bool floats = !strncmp(key, "attend.", 7) || (linear && (key[7] == 'f' || key[7] == 'b')); /* f32, f16, bf16 */
        if (!bandwidth && !linear && !floats) continue;
        char bound[DEVICE_KEY];
        snprintf(bound, sizeof bound, "%s%.8s", bandwidth ? "read_peak" : floats ? "peak.f32" : "peak.i8", threads);
        double most = device_get(d, bound) * (bandwidth ? 1 : 1.25);
        if (entry->value > most)
            return fail(e, "line %d: %s: found %g, expected at most %s = %g%s", entry->line, key, entry->value, bound,
                        device_get(d, bound), bandwidth ? "" : " and a quarter");
    }
    return true;
}

bool device_parse(struct device *d, char *text, size_t size, const char *from, struct error *e)
{
    *d = (struct device){0};
    char *line = text + utf8_mark(text);
    int number = 1;
    char place[64] = "";
    bool ok = true;
    for (; ok && line < text + size; number++) {
        char *end = memchr(line, '\n', (size_t)(text + size - line)), *next = end ? end + 1 : text + size;
        if (end) *end = 0;
        bool whole = line + strlen(line) == (end ? end : text + size);
        char *s = trim(line);
        if (!whole) fail(e, "found a NUL byte, expected text");
        if (!whole || (*s && *s != '#' && !parse_line(d, s, number, e))) {
            snprintf(place, sizeof place, "line %d", number);
            ok = fail_in(e, place);
        }
        line = next;
    }
    if (ok && is_complete(d, e) && is_consistent(d, e)) return true;
    device_free(d);
    return fail_in(e, from);
}

bool device_load(struct device *d, const char *path, struct error *e)
{
    *d = (struct device){0};
    size_t size;
    char *text = file_read(path, 1 << 20, &size, e);
    bool ok = text && device_parse(d, text, size, path, e);
    free(text);
    return ok;
}

/* ---- The cache ---- */

void device_kernels(char *name, size_t size)
{
    const char *pins = getenv("HARTREE_KERNEL");
    snprintf(name, size, "%s%s%.90s", kernel_active_isa(), pins && *pins ? " " : "", pins ? pins : "");
}

const char *device_build(void)
{
    static const char build[] =
#include "build.inc"
        ;
    return build;
}

bool device_cache_path(char *path, size_t size, struct error *e)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char kernels[DEVICE_TEXT];
    int n, cores = pool_default_threads();
    device_kernels(kernels, sizeof kernels);
    for (char *p = kernels; *p; p++)
        if (*p == ' ' || *p == '/') *p = '-';
    if (cache && *cache)
        n = snprintf(path, size, "%s/hartree/device-%d-%s", cache, cores, kernels);
    else if (home && *home)
        n = snprintf(path, size, "%s/.cache/hartree/device-%d-%s", home, cores, kernels);
    else
        return fail(e, "device profile: found neither XDG_CACHE_HOME nor HOME, expected one of them");
    return (n >= 0 && (size_t)n < size) || fail(e, "device profile: found a path of %d bytes, expected less than %zu", n, size);
}

bool device_cache_make(struct error *e)
{
    char path[1024];
    if (!device_cache_path(path, sizeof path, e)) return false;
    for (char *p = path + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        if (mkdir(path, 0777) && errno != EEXIST) return fail(e, "%s: cannot make the folder: %s", path, strerror(errno));
        *p = '/';
    }
    return true;
}
