// Package history is what became of each series over months: rollups of a minute or an
// hour that add up without error, and what follows from them and from verdicts: percentiles,
// uptime, outages, error budgets.
//
// It is pure: no file, no clock, no network. Package history/store keeps it in a file.
package history
