/* auc_load.h - what the test of the sampler has its children do. Each ends in _exit, so that nothing is used after it reported.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AUC_LOAD_H
#define HARTREE_AUC_LOAD_H

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static double rusage_of(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void *burn_thread(void *until)
{
    /* to a given sum of the whole process's CPU time */
    while (rusage_of(RUSAGE_SELF) < *(double *)until) {
    }
    return NULL;
}

static void burn(double seconds, int threads)
{
    double until = rusage_of(RUSAGE_SELF) + seconds;
    pthread_t t[16];
    for (int i = 1; i < threads; i++) pthread_create(&t[i], NULL, burn_thread, &until);
    burn_thread(&until);
    for (int i = 1; i < threads; i++) pthread_join(t[i], NULL);
}

/* "REPORT FILE WHAT ...": does it and writes one number, CPU seconds or as said, to FILE. */
static int load_main(char **args)
{
    const char *file = args[0], *what = args[1];
    double number = NAN;
    if (!strcmp(what, "burn")) { /* SECONDS THREADS */
        burn(atof(args[2]), atoi(args[3]));
    } else if (!strcmp(what, "tree")) { /* two generations, all waited for: a child burns, and so does its child */
        if (!fork()) {
            if (!fork()) burn(0.2, 1), _exit(0);
            burn(0.1, 1);
            wait(NULL);
            _exit(0);
        }
        burn(0.1, 1);
        wait(NULL);
    } else if (!strcmp(what, "storm")) { /* N processes one after the other, each gone before it can be seen */
        for (int i = atoi(args[2]); i > 0; i--) {
            if (!fork()) burn(0.001, 1), _exit(0);
            wait(NULL);
        }
    } else if (!strcmp(what, "orphan")) { /* a grandchild whose parent is gone burns until this process ends */
        int pipe_ends[2];
        if (pipe(pipe_ends)) _exit(1);
        if (!fork()) {
            if (!fork()) {
                burn(0.3, 1);
                double used = rusage_of(RUSAGE_SELF);
                if (write(pipe_ends[1], &used, sizeof used) != sizeof used) _exit(1);
                _exit(0);
            }
            _exit(0);
        }
        wait(NULL);
        close(pipe_ends[1]);
        if (read(pipe_ends[0], &number, sizeof number) != sizeof number) _exit(1);
        while (read(pipe_ends[0], pipe_ends, 1) > 0) {
        }                                  /* until it is gone */
        struct timespec t = {0, 50000000}; /* and waited for by whoever adopted it */
        nanosleep(&t, NULL);
        number += rusage_of(RUSAGE_SELF) + rusage_of(RUSAGE_CHILDREN);
    } else if (!strcmp(what, "ignored")) { /* a child that nobody waits for */
        signal(SIGCHLD, SIG_IGN);
        if (!fork()) burn(0.4, 1), _exit(0);
        while (wait(NULL) > 0) {
        }
    } else if (!strcmp(what, "hold")) { /* BYTES SECONDS: reports the seconds for which they were held */
        size_t n = (size_t)atol(args[2]);
        char *volatile p = malloc(n);
        memset(p, 1, n);
        double begin = clock_now();
        struct timespec t = {0, (long)(1e9 * atof(args[3]))};
        nanosleep(&t, NULL);
        number = clock_now() - begin;
    } else {
        _exit(99);
    }
    FILE *f = fopen(file, "w");
    if (!f) _exit(98);
    if (isnan(number)) number = rusage_of(RUSAGE_SELF) + rusage_of(RUSAGE_CHILDREN);
    fprintf(f, "%.6f\n", number);
    fclose(f);
    _exit(0);
}

#endif
