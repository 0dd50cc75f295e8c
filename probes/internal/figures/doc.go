// Package figures has small things of figures and reports that kinds share: times
// and bytes for people, statistics of round trips.
package figures
