// Package export gives what netmon knows to other tools: Prometheus and its like.
//
// A [Reader] turns results into samples, by the names that each kind of probe gives
// its figures. [Series] keeps the last result of each monitor on each agent, counts and
// histograms since it began, and writes them in the formats of /metrics.
//
// Nothing is exported that was not measured: what is absent in a result, stale, or of an
// agent that is offline is no sample, and a run that could not measure is neither up nor down.
package export
