/* Prometheus' text format, version 0.0.4. Main loop. Private to control/. */
#pragma once

#include "control/recent.h"
#include "control/status.h"

struct buffer;
struct stream;

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What needs no look at any zone. */
void metrics_append(struct buffer *out, const struct status_sources *sources, const struct recent *recent);
/* metrics_push.c: of providers that are pushed to. */
void metrics_append_pushes(struct buffer *out, const struct status_sources *sources);
/* The same, then lines for each zone, in slices (zone-metrics). recent: as it is now. */
int metrics_stream_new(
        const struct status_sources *sources, const struct recent *recent, struct stream **ret_stream);
