/* cmd_version.c - what this program was built from and what it finds on this machine.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "engine/report/origin.h"
#include "kernels/kernel.h"
#include "loader/inflate.h"
#include "tensor/lapack.h"
#include "tools/cli.h"
#include "vision/picture.h"

static bool isa_found(const char *isa)
{
    unsigned needs = kernel_isa_needs(isa);
    return (needs & cpu_features()) == needs;
}

static void list_isas(struct json *j, const char *name, const char *key, bool (*has)(const char *))
{
    if (j) {
        json_key(j, key);
        json_array(j);
    } else {
        printf("%-10s", name);
    }
    const char *isa;
    for (size_t i = 0; (isa = kernel_isa_at(i)); i++) {
        if (!has(isa)) continue;
        if (j) json_string(j, isa);
        else printf(" %s", isa);
    }
    if (j) json_array_end(j);
    else putchar('\n');
}

static int run(int n_args, char **args)
{
    (void)n_args, (void)args;
    const char *zstd = inflate_version(), *png = picture_libpng(), *blas = lapack_version();
    const struct {
        const char *name, *version;
    } libraries[] = {
        {"openblas", blas ? blas : "no"}, {"libpng", png ? png : "no"}, {"libzstd", zstd ? zstd : "no"}};

    if (common.json) {
        struct json j;
        json_begin(&j, stdout);
        json_object(&j);
        json_put_string(&j, "version", HARTREE_VERSION);
        json_put_string(&j, "compiler", origin_compiler());
        list_isas(&j, NULL, "isas_built", kernel_isa_built);
        list_isas(&j, NULL, "isas_found", isa_found);
        json_put_string(&j, "isa", kernel_active_isa());
        for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
            json_put_string(&j, libraries[i].name, libraries[i].version);
        json_object_end(&j);
        json_end(&j);
        return EXIT_DONE;
    }
    printf("hartree    %s\ncompiler   %s\n", HARTREE_VERSION, origin_compiler());
    list_isas(NULL, "ISAs built", NULL, kernel_isa_built);
    list_isas(NULL, "ISAs here", NULL, isa_found);
    printf("ISA in use %s\n", kernel_active_isa());
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        printf("%-10s %s\n", libraries[i].name, libraries[i].version);
    return EXIT_DONE;
}

const struct command command_version = {
    .name = "version",
    .summary = "the version, the compiler, instruction sets and libraries",
    .usage = "[--json]",
    .description = "The instruction sets that kernels were built for, those that this machine has, and the one in use; the "
                   "libraries that it uses, with their versions, or 'no'.",
    .run = run,
};
